#pragma once
// A net::Stream in memory whose far end is in the hands of a test: it sends bytes, takes what was
// written as fast or slowly as it likes, ends, breaks, and tells how the stream was closed. Every
// call of the far end is one event of the loop: retired objects are gone when it returns. Bytes
// given to on_read() are freed right after it, so that a sanitizer sees who keeps them.
#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "weir/net/scheduler.h"
#include "weir/net/stream.h"

namespace weir::test {

enum class Closing : unsigned char {
  kOpen,
  kDropped,   // destroyed without a word
  kReset,     // Stream::reset
  kFinished,  // Stream::finish
};

// What both ends know. Outlives both.
struct FakeWire {
  net::StreamObserver* observer = nullptr;
  std::string incoming;  // sent by the far end, not yet read
  std::string queued;    // written by the stream, not yet taken
  std::string received;  // taken by the far end
  std::size_t window_bytes = std::numeric_limits<std::size_t>::max();  // what may still be taken
  std::uint64_t sent_bytes = 0;
  std::optional<std::uint64_t> acknowledged_bytes;  // unset: as many as sent
  unsigned pause_reasons = 0;
  Closing closing = Closing::kOpen;
  bool is_ending = false;  // the far end's end comes after its bytes
  bool has_told_end = false;
  bool is_broken = false;
  bool has_ended_writing = false;

  bool is_readable() const {
    return closing == Closing::kOpen && pause_reasons == 0 && !is_broken && observer != nullptr;
  }
  std::size_t take_queued() {
    std::size_t count = std::min(window_bytes, queued.size());
    if (window_bytes != std::numeric_limits<std::size_t>::max()) window_bytes -= count;
    received += queued.substr(0, count);
    queued.erase(0, count);
    sent_bytes += count;
    return count;
  }
  void close(Closing how) {
    if (closing != Closing::kOpen) return;
    closing = how;
    observer = nullptr;
  }
};

class FakeStream final : public net::Stream {
 public:
  explicit FakeStream(std::shared_ptr<FakeWire> wire) : wire_(std::move(wire)) {}
  ~FakeStream() override { wire_->close(Closing::kDropped); }

  void set_observer(net::StreamObserver* observer) override { wire_->observer = observer; }
  net::WriteResult write(std::span<const std::string_view> slices) override {
    if (wire_->is_broken || wire_->has_ended_writing) return net::WriteResult::kBroken;
    for (std::string_view slice : slices) wire_->queued += slice;
    wire_->take_queued();
    return wire_->queued.size() >= net::kHighMarkBytes ? net::WriteResult::kAboveMark
                                                       : net::WriteResult::kOk;
  }
  using net::Stream::write;
  std::size_t queued_bytes() const override { return wire_->queued.size(); }
  std::uint64_t sent_bytes() const override { return wire_->sent_bytes; }
  std::optional<std::uint64_t> acknowledged_bytes() const override {
    return wire_->acknowledged_bytes.value_or(wire_->sent_bytes);
  }
  void end_writing() override { wire_->has_ended_writing = true; }
  void pause_reading(net::PauseReason reason) override {
    wire_->pause_reasons |= static_cast<unsigned>(reason);
  }
  void resume_reading(net::PauseReason reason) override {
    wire_->pause_reasons &= ~static_cast<unsigned>(reason);
  }
  bool is_reading_paused() const override { return wire_->pause_reasons != 0; }

 private:
  void do_reset() override { wire_->close(Closing::kReset); }
  void do_finish() override { wire_->close(Closing::kFinished); }
  std::shared_ptr<FakeWire> wire_;
};

class FakePeer {
 public:
  explicit FakePeer(net::Scheduler& scheduler) : scheduler_(scheduler) {}

  // The near end, to be given away once.
  std::unique_ptr<net::Stream> stream() { return std::make_unique<FakeStream>(wire_); }

  // Bytes arrive in pieces as large as the reader's budget allows; while it pauses they wait.
  void send(std::string_view bytes) {
    wire_->incoming += bytes;
    deliver();
  }
  // The orderly end, behind all bytes.
  void end() {
    wire_->is_ending = true;
    deliver();
  }
  // Goes on with what waits, for instance after a timer made the reader resume.
  void deliver() {
    while (wire_->is_readable() && !wire_->incoming.empty()) {
      std::size_t most = std::min(wire_->observer->read_budget(), net::kHighMarkBytes);
      std::size_t count = std::min(most, wire_->incoming.size());
      auto piece = std::make_unique<char[]>(count);
      wire_->incoming.copy(piece.get(), count);
      wire_->incoming.erase(0, count);
      wire_->observer->on_read({piece.get(), count});
      scheduler_.drain_retired();
    }
    if (!wire_->is_readable() || !wire_->is_ending || wire_->has_told_end) return;
    wire_->has_told_end = true;
    wire_->observer->on_read_end();
    scheduler_.drain_retired();
  }
  void fail(net::StreamError error) {
    if (wire_->closing != Closing::kOpen || wire_->is_broken) return;
    wire_->is_broken = true;
    wire_->observer->on_stream_error(error);
    scheduler_.drain_retired();
  }

  // From now on only `bytes` more are taken; the rest queues up.
  void set_window(std::size_t bytes) { wire_->window_bytes = bytes; }
  // Takes up to `bytes` of what is queued, and nothing after that.
  void take(std::size_t bytes) {
    wire_->window_bytes = bytes;
    std::size_t taken = wire_->take_queued();
    wire_->window_bytes = 0;
    if (taken == 0 || wire_->closing != Closing::kOpen) return;
    wire_->observer->on_write_progress(wire_->queued.size());
    scheduler_.drain_retired();
  }

  // What arrived since the last call.
  std::string take_received() { return std::exchange(wire_->received, {}); }
  bool is_open() const { return wire_->closing == Closing::kOpen; }
  // Everything both ends know, to look at and to set up.
  FakeWire& wire() { return *wire_; }

 private:
  net::Scheduler& scheduler_;
  std::shared_ptr<FakeWire> wire_ = std::make_shared<FakeWire>();
};

}  // namespace weir::test
