#pragma once
// A net::Connector whose attempts wait until a test decides how they end.
#include <doctest/doctest.h>

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/fake_stream.h"
#include "tests/unit/wire/stream_decorator.h"
#include "weir/net/connector.h"

namespace weir::test {

// Tells of bytes that arrived and were not delivered yet (FakeWire::incoming, set directly).
class PeekableStream final : public StreamDecorator {
 public:
  PeekableStream(std::unique_ptr<net::Stream> inner, const FakeWire& wire, bool may_hold_input)
      : StreamDecorator(std::move(inner)), wire_(wire), may_hold_input_(may_hold_input) {}
  bool may_hold_input() const override { return may_hold_input_; }
  bool has_input_waiting() const override { return !wire_.incoming.empty(); }

 private:
  const FakeWire& wire_;
  bool may_hold_input_;
};

class FakeConnector final : public net::Connector {
 public:
  explicit FakeConnector(net::Scheduler& scheduler) : scheduler_(scheduler) {}

  Result<std::unique_ptr<net::PendingConnect>, net::ConnectError> connect(
      const Endpoint& to, net::ConnectObserver& observer) override {
    targets.push_back(to.text());
    if (!errors_at_once.empty()) {
      net::ConnectError error = errors_at_once.front();
      errors_at_once.pop_front();
      return Err{error};
    }
    attempts_.push_back(std::make_shared<net::ConnectObserver*>(&observer));
    if (limit_pending > 0) REQUIRE(pending_count() <= limit_pending);
    return std::unique_ptr<net::PendingConnect>(std::make_unique<Pending>(attempts_.back()));
  }

  // The oldest attempt under way succeeds; its far end.
  FakePeer& succeed() {
    net::ConnectObserver* observer = take_oldest();
    peers.push_back(std::make_unique<FakePeer>(scheduler_));
    FakePeer& peer = *peers.back();
    peer.set_window(window_bytes);
    observer->on_connected(
        std::make_unique<PeekableStream>(peer.stream(), peer.wire(), may_hold_input));
    scheduler_.drain_retired();
    return peer;
  }
  void fail(net::ConnectError error) {
    take_oldest()->on_connect_failed(error);
    scheduler_.drain_retired();
  }
  std::size_t pending_count() const {
    std::size_t pending = 0;
    for (const auto& attempt : attempts_) pending += *attempt != nullptr ? 1 : 0;
    return pending;
  }

  std::vector<std::string> targets;                                    // of every attempt
  std::deque<net::ConnectError> errors_at_once;                        // of the next attempts
  std::vector<std::unique_ptr<FakePeer>> peers;                        // of the successful ones
  bool may_hold_input = true;                                          // of new connections
  std::size_t limit_pending = 0;                                       // 0: any number
  std::size_t window_bytes = std::numeric_limits<std::size_t>::max();  // of new connections

 private:
  using Attempt = std::shared_ptr<net::ConnectObserver*>;
  class Pending final : public net::PendingConnect {
   public:
    explicit Pending(Attempt attempt) : attempt_(std::move(attempt)) {}
    ~Pending() override { *attempt_ = nullptr; }

   private:
    Attempt attempt_;
  };
  net::ConnectObserver* take_oldest() {
    for (const Attempt& attempt : attempts_)
      if (*attempt != nullptr) return std::exchange(*attempt, nullptr);
    REQUIRE_MESSAGE(false, "no connect is under way");
    return nullptr;
  }
  net::Scheduler& scheduler_;
  std::vector<Attempt> attempts_;
};

}  // namespace weir::test
