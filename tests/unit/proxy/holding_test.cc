// Requests that wait for the first verdict on their pool's backends.
#include "proxy_fixture.h"
#include "tests/support/pool_settings.h"

namespace {

using namespace weir;
using namespace weir::proxy;
using namespace std::chrono_literals;
using backend::Standing;
using test::FakePeer;

struct Undecided : World {
  Undecided() {
    add_backend(9002);
    known[0]->set_standing(Standing::kUnknown);
    known[1]->set_standing(Standing::kUnknown);
    publish();
  }
  void tell(std::size_t index, Standing standing) {
    known[index]->set_standing(standing);
    backend::PoolId pools[] = {0};
    proxy->look_again(pools);
    scheduler.drain_retired();
    CHECK(proxy->is_timed());
  }
};

TEST_CASE("requests wait while nothing is known, and go to the first backend that is up") {
  Undecided world;
  FakePeer& first = world.client(get("/1"));
  FakePeer& second = world.client(get("/2"));
  CHECK(world.connector.targets.empty());
  CHECK(world.proxy->is_timed());
  world.advance(3s);
  world.tell(0, Standing::kOut);
  CHECK(world.connector.targets.empty());
  world.tell(1, Standing::kUsable);
  CHECK(world.connector.targets == std::vector<std::string>{"127.0.0.1:9002", "127.0.0.1:9002"});
  world.connect().send(ok());
  world.connect().send(ok());
  CHECK(first.take_received().starts_with("HTTP/1.1 200"));
  CHECK(second.take_received().starts_with("HTTP/1.1 200"));
  CHECK(world.last().tries == 1);
}

TEST_CASE("when the last unknown backend is down those who wait fail at once") {
  Undecided world;
  FakePeer& client = world.client(get());
  world.tell(0, Standing::kOut);
  CHECK(client.take_received().empty());
  world.tell(1, Standing::kOut);
  std::string answer = client.take_received();
  CHECK(answer.starts_with("HTTP/1.1 503 "));
  CHECK(has(answer, "\r\nRetry-After: 1\r\n"));
  CHECK(has(answer, "no_usable_backend: all are down, draining or in maintenance"));
  CHECK(world.last().failure == "no_usable_backend");
  CHECK(world.last().phase == "hold");
  CHECK(world.last().tries == 0);
}

TEST_CASE("nobody waits longer than the retry window") {
  Undecided world;
  FakePeer& client = world.client(get());
  world.advance(world.pool.settings->timeouts.retry_window - 1ms);
  CHECK(client.take_received().empty());
  world.advance(1ms);
  std::string answer = client.take_received();
  CHECK(has(answer, "no_usable_backend: no first health check has come to its end"));
  CHECK(world.last().failure == "no_usable_backend");
  // It is off the list: the verdict that comes now calls nobody.
  world.tell(0, Standing::kUsable);
  CHECK(world.connector.targets.empty());
}

TEST_CASE("the retry window begins with the first attempt, not while waiting") {
  Undecided world;
  FakePeer& client = world.client(get());
  world.advance(world.pool.settings->timeouts.retry_window - 1ms);
  world.tell(0, Standing::kUsable);
  world.tell(1, Standing::kUsable);
  world.connector.fail(net::ConnectError::kRefused);
  world.connect().send(ok());
  CHECK(client.take_received().starts_with("HTTP/1.1 200"));
}

TEST_CASE("an upload that comes while its request waits is kept, up to a bound") {
  Undecided world;
  FakePeer& small = world.client(post("part", 9));
  FakePeer& large = world.client(post(std::string(200'000, 'x'), 200'000));
  CHECK(large.wire().incoming.size() > 50'000);
  small.send("-part");
  world.tell(0, Standing::kUsable);
  FakePeer& backend = world.connect();
  CHECK(body_of(backend.take_received()) == "part-part");
  backend.send(ok());
  CHECK(small.take_received().starts_with("HTTP/1.1 200"));
  FakePeer& other = world.connect();
  large.deliver();
  CHECK(body_of(other.take_received()).size() == 200'000);
  other.send(ok());
}

TEST_CASE("a client may stop sending, or go, while its request waits") {
  Undecided world;
  FakePeer& slow = world.client(post("part", 9));
  FakePeer& gone = world.client(get());
  gone.fail(net::StreamError::kReset);
  CHECK(world.proxy->exchange_count() == 1);
  test::own_settings(world.pool).timeouts.retry_window = 60s;
  world.publish();
  world.advance(10s);  // the old window: it was armed by it
  CHECK(world.last().failure == "no_usable_backend");
  CHECK(slow.take_received().starts_with("HTTP/1.1 503"));
  FakePeer& second = world.client(post("part", 9));
  world.advance(30s);
  CHECK(world.last().failure == "client_body_timeout");
  CHECK(second.take_received().starts_with("HTTP/1.1 408"));
  world.tell(0, Standing::kUsable);
  CHECK(world.connector.targets.empty());
}

TEST_CASE("a reload decides, too: checks that end, backends that go, the pool itself") {
  for (int how = 0; how < 3; ++how) {
    Undecided world;
    FakePeer& client = world.client(get());
    if (how == 0) {
      world.known[1]->set_standing(Standing::kUsable);  // not told: the pool is another one
      test::own_settings(world.pool).max_idle = 5;
      world.publish();
      world.connect().send(ok());
      CHECK(client.take_received().starts_with("HTTP/1.1 200"));
      continue;
    }
    if (how == 1) world.pool.backends.clear();
    world.publish(how == 1);
    CHECK(client.take_received().starts_with("HTTP/1.1 503"));
    CHECK(world.last().failure == (how == 1 ? "pool_empty" : "no_usable_backend"));
  }
}

TEST_CASE("a retry waits, too, when all that is left is unknown") {
  World world;
  world.add_backend(9002);
  world.publish();
  FakePeer& client = world.client(get());
  world.known[0]->set_standing(Standing::kOut);
  world.known[1]->set_standing(Standing::kUnknown);
  backend::PoolId pools[] = {0};
  world.proxy->look_again(pools);
  world.connector.fail(net::ConnectError::kRefused);
  world.advance(100ms);  // the pause when all were tried
  CHECK(world.connector.targets.size() == 1);
  world.known[1]->set_standing(Standing::kUsable);
  world.proxy->look_again(pools);
  CHECK(world.connector.targets.size() == 2);
  world.connect().send(ok());
  CHECK(client.take_received().starts_with("HTTP/1.1 200"));
  CHECK(world.last().tries == 2);
}

TEST_CASE("the proxy may go, and a drain may cut, while requests wait") {
  for (bool cuts : {true, false}) {
    Undecided world;
    world.client(get());
    world.client(post("part", 9));
    if (cuts) world.proxy->cut_all();
  }
}

}  // namespace
