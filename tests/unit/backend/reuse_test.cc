// When a kept-open connection may carry a request, and what is learned about a backend's own limit.
#include "connections_fixture.h"

namespace {

using namespace weir;
using namespace weir::backend;
using namespace std::chrono_literals;

TEST_CASE(
    "side effects take a connection that was idle for less than a second, until more is known") {
  struct Row {
    Duration age;
    bool is_reused;
  };
  for (auto [age, is_reused] : {Row{0ms, true}, Row{999ms, true}, Row{1s, false}, Row{9s, false}}) {
    for (Reuse reuse : {Reuse::kAny, Reuse::kHardlyIdle, Reuse::kNever}) {
      Connections world;
      auto pool = world.pool();
      world.make_idle(*pool);
      world.advance(age);
      bool expected = reuse == Reuse::kAny || (reuse == Reuse::kHardlyIdle && is_reused);
      CHECK(world.reuses(*pool, reuse) == expected);
    }
  }
}

TEST_CASE("R22: a connection on which something waits unreported is not taken, the next one is") {
  Connections world;
  auto pool = world.pool();
  test::FakePeer& good = world.make_idle(*pool);
  test::FakePeer& spoiled = world.make_idle(*pool);
  world.advance(1s);
  spoiled.wire().incoming = "HTTP/1.1 408 Request Timeout\r\n";
  Lease lease = world.lease(*pool);
  world.scheduler.drain_retired();
  CHECK(lease.is_reused());
  CHECK_FALSE(spoiled.is_open());
  CHECK(good.is_open());
  CHECK(world.connections->idle_count() == 0);
  world.exchange(lease, &good);
}

TEST_CASE("R22: after a request with a body a connection is looked at, however young it is") {
  for (bool had_body : {false, true}) {
    Connections world;
    world.connector.may_hold_input = false;
    auto pool = world.pool();
    world.make_idle(*pool, {}, had_body).wire().incoming = "HTTP/1.1 200 OK\r\n";
    CHECK(world.reuses(*pool, Reuse::kAny) == !had_body);
  }
}

TEST_CASE("R22: after a request with a body a connection lets others go first for a moment") {
  struct Row {
    Duration age;
    bool is_first;
  };
  for (auto [age, is_first] : {Row{0ms, false}, Row{4ms, false}, Row{5ms, true}}) {
    CAPTURE(age.count());
    Connections world;
    auto pool = world.pool();
    test::FakePeer& other = world.make_idle(*pool);
    test::FakePeer& with_body = world.make_idle(*pool, {}, true);
    world.advance(age);
    Lease lease = world.lease(*pool);
    CHECK(lease.is_reused());
    world.exchange(lease, is_first ? &with_body : &other);
  }
  // Without others it is taken all the same.
  Connections world;
  auto pool = world.pool();
  world.make_idle(*pool, {}, true);
  CHECK(world.reuses(*pool, Reuse::kHardlyIdle));
}

TEST_CASE("only the youngest idle connection is looked at") {
  Connections world;
  auto pool = world.pool();
  world.make_idle(*pool);
  world.advance(5s);
  world.make_idle(*pool);
  Lease young = world.lease(*pool, Reuse::kHardlyIdle);
  CHECK(young.is_reused());
  CHECK_FALSE(world.reuses(*pool, Reuse::kHardlyIdle));
  CHECK(world.reuses(*pool, Reuse::kAny));
}

TEST_CASE("an announced limit allows half of it, and closes a second before it") {
  struct Row {
    std::uint64_t announced;
    Duration reusable_until, open_until;
  };
  for (const Row& row : {Row{10, 5s, 9s}, Row{3, 1500ms, 2s}, Row{2, 1s, 1s}, Row{1, 500ms, 500ms},
                         Row{600, 15s, 15s}, Row{~std::uint64_t{0}, 15s, 15s}}) {
    CAPTURE(row.announced);
    auto is_reused_at = [&](Duration age) {
      Connections world;
      auto pool = world.pool();
      world.make_idle(*pool, row.announced);
      world.advance(age);
      return world.reuses(*pool, Reuse::kHardlyIdle);
    };
    CHECK(is_reused_at(row.reusable_until - 1ms));
    CHECK_FALSE(is_reused_at(row.reusable_until));
    Connections world;
    auto pool = world.pool();
    test::FakePeer& peer = world.make_idle(*pool, row.announced);
    world.advance(row.open_until - 1ms);
    CHECK(peer.is_open());
    world.advance(1ms);
    CHECK_FALSE(peer.is_open());
  }
}

TEST_CASE("an announced limit holds for the backend until another is announced") {
  Connections world;
  auto pool = world.pool();
  world.make_idle(*pool, 4);
  world.advance(1h);
  test::FakePeer& silent = world.make_idle(*pool);
  world.advance(3s);
  CHECK_FALSE(silent.is_open());
  test::FakePeer& longer = world.make_idle(*pool, 12);
  world.advance(10s);
  CHECK(longer.is_open());
}

TEST_CASE("a backend that ends idle connections teaches its limit, for ten minutes") {
  Connections world;
  auto pool = world.pool();
  test::FakePeer& peer = world.make_idle(*pool);
  world.advance(5s);
  peer.end();
  test::FakePeer& next = world.make_idle(*pool);
  world.advance(4s - 1ms);
  CHECK(next.is_open());
  world.advance(1ms);
  CHECK_FALSE(next.is_open());
  SUBCASE("side effects may use half of it") {
    world.make_idle(*pool);
    world.advance(2s);
    CHECK(world.reuses(*pool, Reuse::kHardlyIdle));
    world.make_idle(*pool);
    world.advance(2500ms);
    CHECK_FALSE(world.reuses(*pool, Reuse::kHardlyIdle));
  }
  SUBCASE("a shorter life teaches a lower limit") {
    test::FakePeer& other = world.make_idle(*pool);
    world.advance(3900ms);
    other.end();
    test::FakePeer& last = world.make_idle(*pool);
    world.advance(2s);
    CHECK_FALSE(last.is_open());  // 3 s seen: closed after 2
  }
  SUBCASE("then it is forgotten") {
    world.advance(10min);
    test::FakePeer& last = world.make_idle(*pool);
    world.advance(14s);
    CHECK(last.is_open());
  }
}

TEST_CASE("an end within the first second says nothing: the backend may be restarting") {
  Connections world;
  auto pool = world.pool();
  test::FakePeer& peer = world.make_idle(*pool);
  world.advance(999ms);
  peer.end();
  test::FakePeer& next = world.make_idle(*pool);
  world.advance(14s);
  CHECK(next.is_open());
}

TEST_CASE("limits are learned per backend") {
  Connections world;
  auto a = world.pool("127.0.0.1:9001"), b = world.pool("127.0.0.1:9002");
  world.make_idle(*a, 2);
  test::FakePeer& other = world.make_idle(*b);
  world.advance(14s);
  CHECK(other.is_open());
  CHECK(world.connections->idle_count() == 1);
}

TEST_CASE("a Unix socket has no acknowledgements: side effects take a fresh connection") {
  Connections world;
  auto pool = world.pool("unix:/run/app.sock");
  world.make_idle(*pool, 60);
  CHECK_FALSE(world.reuses(*pool, Reuse::kHardlyIdle));
  CHECK(world.reuses(*pool, Reuse::kAny));
  CHECK(world.connector.targets.back() == "unix:/run/app.sock");
}

}  // namespace
