// Connecting, keeping, reusing and closing connections to backends (DESIGN §7).
#include "connections_fixture.h"
#include "tests/support/pool_settings.h"

namespace {

using namespace weir;
using namespace weir::backend;
using namespace std::chrono_literals;
using net::ConnectError;

TEST_CASE("a connect that succeeds becomes a lease") {
  Connections world;
  auto pool = world.pool();
  auto acquired = world.acquire(*pool);
  REQUIRE(std::holds_alternative<std::unique_ptr<Waiter>>(acquired));
  CHECK(world.connections->connecting_count() == 1);
  CHECK(pool->backends()[0]->own_in_flight() == 1);
  world.clock.advance(world.scheduler, 30ms);
  world.connector.succeed();
  REQUIRE(world.observer.lease.is_held());
  world.advance(3s);  // a waiter that is over does nothing more
  std::get<std::unique_ptr<Waiter>>(acquired).reset();
  CHECK(world.connections->connecting_count() == 0);
  CHECK_FALSE(world.observer.lease.is_reused());
  CHECK(world.observer.lease.connect_duration() == 30ms);
  CHECK(&world.observer.lease.backend() == pool->backends()[0].get());
  CHECK(world.numbers.backend_connections_new.get() == 1);
  CHECK(world.numbers.backend_connections_reused.get() == 0);
  world.advance(1h);
  CHECK_FALSE(world.observer.failure.has_value());
  CHECK(pool->backends()[0]->own_in_flight() == 1);
  world.observer.lease = Lease();
  CHECK(pool->backends()[0]->own_in_flight() == 0);
  CHECK_FALSE(world.connector.peers[0]->is_open());
}

struct ErrorRow {
  ConnectError error;
  Failure failure;
};
constexpr ErrorRow kErrors[] = {
    {ConnectError::kRefused, Failure::connect_refused},
    {ConnectError::kUnreachable, Failure::connect_unreachable},
    {ConnectError::kTimedOut, Failure::connect_timeout},
    {ConnectError::kNoLocalPort, Failure::no_local_port},
    {ConnectError::kNoDescriptors, Failure::overloaded},
    {ConnectError::kOther, Failure::connect_unreachable},
};

TEST_CASE("each error of a connect has its failure, at once or later") {
  for (const ErrorRow& row : kErrors) {
    Connections world;
    auto pool = world.pool();
    world.connector.errors_at_once = {row.error};
    auto at_once = world.acquire(*pool);
    REQUIRE(std::holds_alternative<Failure>(at_once));
    CHECK(std::get<Failure>(at_once) == row.failure);
    CHECK(world.connections->connecting_count() == 0);
    CHECK(pool->backends()[0]->own_in_flight() == 0);

    auto waiting = world.acquire(*pool);
    world.connector.fail(row.error);
    CHECK(world.observer.failure == row.failure);
    waiting = Failure::internal;
    CHECK(world.connections->connecting_count() == 0);
    CHECK(pool->backends()[0]->own_in_flight() == 0);
    CHECK(world.numbers.backend_connections_new.get() == 0);
    CHECK_FALSE(world.scheduler.next_deadline().has_value());
  }
}

TEST_CASE("a connect has its timeout") {
  Connections world;
  auto pool = world.pool();
  auto acquired = world.acquire(*pool);
  world.advance(2s - 1ms);
  CHECK_FALSE(world.observer.failure.has_value());
  world.advance(1ms);
  CHECK(world.observer.failure == Failure::connect_timeout);
  CHECK(world.connector.pending_count() == 0);
}

TEST_CASE("destroying a waiter cancels its connect") {
  Connections world;
  auto pool = world.pool();
  auto acquired = world.acquire(*pool);
  acquired = Failure::internal;
  CHECK(world.connector.pending_count() == 0);
  CHECK(world.connections->connecting_count() == 0);
  CHECK(pool->backends()[0]->own_in_flight() == 0);
  world.advance(1h);
  CHECK_FALSE(world.observer.failure.has_value());
}

TEST_CASE(
    "without descriptors the least recently used idle connection goes, then it is tried once "
    "more") {
  Connections world;
  auto pool = world.pool();
  test::FakePeer& oldest = world.make_idle(*pool);
  test::FakePeer& newest = world.make_idle(*pool);
  world.connector.errors_at_once = {ConnectError::kNoDescriptors};
  auto acquired = world.acquire(*pool, Reuse::kNever);
  CHECK(std::holds_alternative<std::unique_ptr<Waiter>>(acquired));
  CHECK_FALSE(oldest.is_open());
  CHECK(newest.is_open());

  world.connector.errors_at_once = {ConnectError::kNoDescriptors, ConnectError::kNoDescriptors};
  auto second = world.acquire(*pool, Reuse::kNever);
  CHECK(std::get<Failure>(second) == Failure::overloaded);
  CHECK(world.connections->idle_count() == 0);
  CHECK(world.connector.errors_at_once.empty());
}

TEST_CASE("the most recently used connection is taken first, and told to its count") {
  Connections world;
  auto pool = world.pool();
  test::FakePeer& first = world.make_idle(*pool);
  test::FakePeer& second = world.make_idle(*pool);
  CHECK(world.connections->idle_count() == 2);
  Lease lease = world.lease(*pool);
  CHECK(lease.is_reused());
  CHECK(world.connections->idle_count() == 1);
  CHECK(pool->backends()[0]->own_in_flight() == 1);
  CHECK(world.numbers.backend_connections_reused.get() == 1);
  second.take_received();
  world.exchange(lease, &second);
  CHECK(second.take_received() == "GET / HTTP/1.1\r\n\r\n");
  CHECK(world.answers.idle_events == 0);
  Lease other = world.lease(*pool);
  world.exchange(other, &first);
  world.release(std::move(lease), *pool);
  world.release(std::move(other), *pool);
  CHECK(world.connector.targets.size() == 2);
  CHECK(pool->backends()[0]->own_in_flight() == 0);
}

TEST_CASE("a connection is kept only when it can carry another request") {
  Connections world;
  auto pool = world.pool();
  SUBCASE("its exchange is not over") {
    Lease lease = world.lease(*pool);
    lease.connection().set_observer(&world.answers);
    lease.connection().start_request(http::Method::kGet, {});
    world.release(std::move(lease), *pool);
  }
  SUBCASE("R22: something came behind the response") {
    Lease lease = world.lease(*pool);
    lease.connection().set_observer(&world.answers);
    lease.connection().start_request(http::Method::kGet, {});
    lease.connection().end_request();
    world.connector.peers[0]->send("HTTP/1.1 204 No Content\r\n\r\nextra");
    CHECK(world.answers.ends == 1);
    world.release(std::move(lease), *pool);
  }
  SUBCASE("the pool keeps none") {
    auto spec = copy_of(*pool);
    test::own_settings(*spec).keepalive = false;
    pool->update(spec);
    world.make_idle(*pool);
  }
  SUBCASE("the pool keeps none, said otherwise") {
    auto spec = copy_of(*pool);
    test::own_settings(*spec).max_idle = 0;
    pool->update(spec);
    world.make_idle(*pool);
  }
  SUBCASE("the backend was removed meanwhile") {
    Lease lease = world.lease(*pool);
    world.exchange(lease);
    auto spec = copy_of(*pool);
    spec->backends.clear();
    pool->update(spec);
    world.release(std::move(lease), *pool);
  }
  SUBCASE("the backend announced to close at once") { world.make_idle(*pool, 0); }
  SUBCASE("the request let go of it") {
    Lease lease = world.lease(*pool);
    world.exchange(lease);
    world.connections->discard(std::move(lease));
    CHECK(world.connector.peers[0]->is_open());  // until the stack is unwound
    world.scheduler.drain_retired();
  }
  CHECK(world.connections->idle_count() == 0);
  CHECK_FALSE(world.connector.peers[0]->is_open());
  CHECK_FALSE(world.scheduler.next_deadline().has_value());
}

TEST_CASE("max_idle bounds each backend, the longest unused goes") {
  Connections world;
  auto pool = world.pool(), other = world.pool("127.0.0.1:9002");
  auto spec = copy_of(*pool);
  test::own_settings(*spec).max_idle = 2;
  pool->update(spec);
  world.make_idle(*other);
  for (int i = 0; i < 4; ++i) world.make_idle(*pool);
  CHECK(world.connections->idle_count() == 3);
  for (std::size_t i : {0u, 3u, 4u}) CHECK(world.connector.peers[i]->is_open());
  for (std::size_t i : {1u, 2u}) CHECK_FALSE(world.connector.peers[i]->is_open());
}

TEST_CASE("a reload that lowers max_idle is obeyed with the next release") {
  Connections world;
  auto pool = world.pool();
  for (int i = 0; i < 5; ++i) world.make_idle(*pool);
  auto spec = copy_of(*pool);
  test::own_settings(*spec).max_idle = 2;
  pool->update(spec);
  world.make_idle(*pool);
  CHECK(world.connections->idle_count() == 2);
}

TEST_CASE("all pools together stay inside the budget of descriptors") {
  Connections world(3);
  auto a = world.pool("127.0.0.1:9001"), b = world.pool("127.0.0.1:9002");
  world.make_idle(*a);
  world.make_idle(*b);
  world.make_idle(*b);
  world.make_idle(*a);
  CHECK(world.connections->idle_count() == 3);
  CHECK_FALSE(world.connector.peers[0]->is_open());
  // Use makes recent: the connection of a goes away and comes back in front of those of b.
  Lease lease = world.lease(*a);
  world.exchange(lease, world.connector.peers[3].get());
  world.release(std::move(lease), *a);
  world.make_idle(*a);
  CHECK_FALSE(world.connector.peers[1]->is_open());
  CHECK(world.connector.peers[2]->is_open());

  Connections none(0);
  auto pool = none.pool();
  none.make_idle(*pool);
  CHECK(none.connections->idle_count() == 0);
}

TEST_CASE("unused connections close after backend_idle") {
  Connections world;
  auto pool = world.pool();
  test::FakePeer& peer = world.make_idle(*pool);
  world.advance(15s - 1ms);
  CHECK(peer.is_open());
  SUBCASE("unused") {
    world.advance(1ms);
    CHECK_FALSE(peer.is_open());
    CHECK(world.connections->idle_count() == 0);
  }
  SUBCASE("used again in time") {
    Lease lease = world.lease(*pool);
    world.advance(1h);
    CHECK(peer.is_open());
    world.exchange(lease, &peer);
    world.release(std::move(lease), *pool);
    world.advance(15s - 1ms);
    CHECK(peer.is_open());
  }
}

TEST_CASE("R22: whatever comes on an idle connection closes it") {
  for (int what = 0; what < 3; ++what) {
    Connections world;
    auto pool = world.pool();
    test::FakePeer& peer = world.make_idle(*pool);
    if (what == 0) peer.send("HTTP/1.1 200 OK\r\n\r\n");
    if (what == 1) peer.end();
    if (what == 2) peer.fail(net::StreamError::kReset);
    CHECK_FALSE(peer.is_open());
    CHECK(world.connections->idle_count() == 0);
    CHECK_FALSE(world.reuses(*pool, Reuse::kAny));
  }
}

TEST_CASE("a removed backend's idle connections can be closed, others stay") {
  Connections world;
  auto a = world.pool("127.0.0.1:9001"), b = world.pool("127.0.0.1:9002");
  world.make_idle(*a);
  world.make_idle(*b);
  world.connections->close_idle(*a->backends()[0]);
  CHECK(world.connections->idle_count() == 1);
  CHECK_FALSE(world.connector.peers[0]->is_open());
  world.connections->close_all_idle();
  CHECK(world.connections->idle_count() == 0);
  CHECK_FALSE(world.connector.peers[1]->is_open());
}

TEST_CASE("idle connections keep their backend alive, and die with their owner") {
  Connections world;
  test::FakePeer& peer = world.make_idle(*world.pool());
  world.pools.clear();
  CHECK(peer.is_open());
  world.connections.reset();
  CHECK_FALSE(peer.is_open());
  CHECK_FALSE(world.scheduler.next_deadline().has_value());
}

}  // namespace
