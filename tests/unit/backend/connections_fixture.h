#pragma once
// BackendConnections with a connector in memory, and requests that go through whole exchanges.
#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fake_connector.h"
#include "tests/support/fake_clock.h"
#include "weir/backend/connections.h"

namespace weir::backend {

struct Observer final : AcquireObserver {
  void on_acquired(Lease got) override { lease = std::move(got); }
  void on_acquire_failed(Failure what) override { failure = what; }
  Lease lease;
  std::optional<Failure> failure;
};

// Counts what a leased connection tells the request that has it.
struct Answers final : wire::OutboundObserver {
  void on_informational(const http::ResponseHead&) override {}
  void on_head(const http::ResponseHead&) override {}
  void on_body(std::string_view) override {}
  void on_response_end(const http::Fields&) override { ++ends; }
  void on_failure(const wire::OutboundFailure&) override { ++failures; }
  void on_backend_progress(std::size_t) override {}
  void on_response_read_done() override {}
  void on_idle_event() override { ++idle_events; }
  int ends = 0, failures = 0, idle_events = 0;
};

struct Connections {
  explicit Connections(std::size_t max_idle_total = 100)
      : connections(std::in_place, context, connector, numbers, max_idle_total) {}
  ~Connections() { pools.clear(); }

  // A pool with one backend, at `address`.
  std::shared_ptr<LocalPool> pool(const std::string& address = "127.0.0.1:9001") {
    auto spec = std::make_shared<PoolSpec>();
    spec->name = address;
    spec->backends.push_back(std::make_shared<Backend>(address, *Endpoint::parse(address), 1));
    pools.push_back(std::make_shared<LocalPool>(spec, 0));
    return pools.back();
  }
  BackendConnections::Acquired acquire(LocalPool& from, Reuse reuse = Reuse::kAny) {
    AcquireOptions options;
    options.reuse = reuse;
    return connections->acquire(from.claim({}, scheduler.now(), rng), options, observer);
  }
  // A lease, connected when there was none to reuse.
  Lease lease(LocalPool& from, Reuse reuse = Reuse::kAny) {
    auto acquired = acquire(from, reuse);
    if (auto* held = std::get_if<Lease>(&acquired)) return std::move(*held);
    REQUIRE(std::holds_alternative<std::unique_ptr<Waiter>>(acquired));
    connector.succeed();
    REQUIRE(observer.lease.is_held());
    return std::move(observer.lease);
  }
  bool reuses(LocalPool& from, Reuse reuse) {
    bool is_reused = std::holds_alternative<Lease>(acquire(from, reuse));
    scheduler.drain_retired();
    return is_reused;
  }
  // One whole exchange on it; the newest far end answers unless told otherwise.
  void exchange(Lease& on, test::FakePeer* peer = nullptr) {
    if (peer == nullptr) peer = connector.peers.back().get();
    on.connection().set_observer(&answers);
    on.connection().start_request(http::Method::kGet, {});
    on.connection().send_raw("GET / HTTP/1.1\r\n\r\n");
    on.connection().end_request();
    int before = answers.ends;
    peer->send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    REQUIRE(answers.ends == before + 1);
  }
  void release(Lease given, const LocalPool& to, std::optional<std::uint64_t> timeout = {},
               bool had_body = false) {
    connections->release(std::move(given), to.settings(), timeout, had_body);
    scheduler.drain_retired();
  }
  // A connection that was used once and is idle now; its far end.
  test::FakePeer& make_idle(LocalPool& from, std::optional<std::uint64_t> timeout = {},
                            bool had_body = false) {
    Lease fresh = lease(from, Reuse::kNever);
    test::FakePeer& peer = *connector.peers.back();
    exchange(fresh);
    release(std::move(fresh), from, timeout, had_body);
    return peer;
  }
  void advance(Duration by) { clock.advance(scheduler, by); }

  test::FakeClock clock;
  net::Scheduler scheduler{clock};
  wire::Context context{scheduler};
  test::FakeConnector connector{scheduler};
  observe::WorkerNumbers numbers;
  Rng rng{1};
  Observer observer;
  Answers answers;
  std::vector<std::shared_ptr<LocalPool>> pools;
  std::optional<BackendConnections> connections;
};

// A copy of a pool's present spec, to be changed and published.
inline std::shared_ptr<PoolSpec> copy_of(const LocalPool& pool) {
  return std::make_shared<PoolSpec>(pool.spec());
}

}  // namespace weir::backend
