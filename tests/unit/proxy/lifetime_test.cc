// Ends from outside: clients that go, tunnels, reloads, drain.
#include <algorithm>

#include "proxy_fixture.h"

namespace {

using namespace weir;
using namespace weir::proxy;
using namespace std::chrono_literals;
using test::Closing;
using test::FakePeer;

TEST_CASE("R31: a client that is gone takes its connect or its backend connection with it") {
  World world;
  FakePeer& connecting = world.client(get());
  CHECK(world.connector.pending_count() == 1);
  connecting.fail(net::StreamError::kReset);
  CHECK(world.connector.pending_count() == 0);
  CHECK(world.last().failure == "client_gone");
  CHECK(world.last().status == 0);
  CHECK(world.last().phase == "connect");

  FakePeer& waiting = world.client(get());
  FakePeer& backend = world.connect();
  waiting.fail(net::StreamError::kReset);
  CHECK_FALSE(backend.is_open());
  CHECK(world.last().phase == "request");

  FakePeer& pausing = world.client(get());
  world.connector.fail(net::ConnectError::kRefused);
  pausing.fail(net::StreamError::kReset);
  world.advance(1s);
  CHECK(world.connector.pending_count() == 0);

  FakePeer& reading = world.client(get());
  FakePeer& sender = world.connect();
  sender.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx");
  reading.fail(net::StreamError::kReset);
  CHECK_FALSE(sender.is_open());
  CHECK(world.last().status == 200);
  CHECK(world.failures(Failure::client_gone) == 4);
}

TEST_CASE("R31: a client that only listens gets its answer within client_fin") {
  World world;
  FakePeer& patient = world.client(get());
  FakePeer& backend = world.connect();
  patient.end();
  world.advance(900ms);
  backend.send(ok());
  CHECK(has(patient.take_received(), "hello"));
  CHECK(patient.wire().closing == Closing::kFinished);

  FakePeer& gone = world.client(get());
  gone.end();
  world.advance(1s);
  CHECK_FALSE(backend.is_open());
  CHECK(world.last().failure == "client_gone");
}

TEST_CASE("a client that fails during its upload leaves the backend an unfinished request") {
  World world;
  FakePeer& broken =
      world.client("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n");
  FakePeer& backend = world.connect();
  broken.send("zz\r\n");
  CHECK(broken.take_received().starts_with("HTTP/1.1 400 "));
  CHECK_FALSE(backend.is_open());
  CHECK(body_of(backend.take_received()) == "2\r\nab\r\n");

  FakePeer& silent = world.client(post("ab", 5));
  FakePeer& other = world.connect();
  world.advance(30s);
  CHECK(silent.take_received().starts_with("HTTP/1.1 408 "));
  CHECK_FALSE(other.is_open());
  CHECK(world.last().failure == "client_body_timeout");
}

TEST_CASE("a client that stops reading is given up") {
  World world;
  FakePeer& client = world.client(get());
  FakePeer& backend = world.connect();
  client.set_window(0);
  backend.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx");
  world.advance(30s);
  CHECK(world.last().failure == "client_write_timeout");
  CHECK_FALSE(client.is_open());
  CHECK_FALSE(backend.is_open());
}

constexpr std::string_view kSwitch =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: chat\r\n\r\n";
const std::string kUpgrade = get("/chat", "Connection: upgrade\r\nUpgrade: chat\r\n");

TEST_CASE("R23: a tunnel passes bytes both ways, early ones in order, until both sides ended") {
  World world;
  FakePeer& client = world.client(kUpgrade + "early");
  FakePeer& backend = world.connect();
  std::string request = backend.take_received();
  CHECK(has(request, "\r\nUpgrade: chat\r\n"));
  CHECK_FALSE(has(request, "early"));
  backend.send(std::string(kSwitch) + "hi");
  CHECK(body_of(client.take_received()) == "hi");
  CHECK(backend.take_received() == "early");
  client.send("a");
  CHECK(backend.take_received() == "a");
  backend.send("b");
  CHECK(client.take_received() == "b");
  client.end();
  CHECK(backend.wire().has_ended_writing);
  CHECK(client.is_open());
  backend.send("last words");
  backend.end();
  CHECK(client.take_received() == "last words");
  CHECK(client.wire().closing == Closing::kFinished);
  CHECK_FALSE(backend.is_open());
  CHECK(world.last().status == 101);
  CHECK(world.last().failure.empty());
  CHECK(world.last().bytes_in == 6);
  CHECK(world.last().bytes_out == 13);
}

TEST_CASE("ten thousand tunnels, each of another version, pin no version") {
  World world;
  std::vector<std::pair<FakePeer*, FakePeer*>> tunnels;
  std::vector<std::weak_ptr<const route::RouteTable>> tables;
  std::vector<std::weak_ptr<const backend::PoolSet>> pools;
  for (int version = 0; version < 10'000; ++version) {
    // Another pool each time.
    test::own_settings(world.pool).retries = static_cast<unsigned>(version % 5);
    auto [routes, specs] = world.publish();
    tables.push_back(routes);
    pools.push_back(specs);
    FakePeer& client = world.client(kUpgrade);
    FakePeer& backend = world.connect();
    backend.send(kSwitch);
    client.take_received();
    backend.take_received();
    tunnels.emplace_back(&client, &backend);
  }
  auto count = [](const auto& versions) {
    return std::count_if(versions.begin(), versions.end(),
                         [](const auto& version) { return !version.expired(); });
  };
  CHECK(count(tables) == 1);
  CHECK(count(pools) == 1);
  for (auto [client, backend] : {tunnels.front(), tunnels.back()}) {
    client->send("ping");
    CHECK(backend->take_received() == "ping");
  }
  CHECK(world.proxy->exchange_count() == tunnels.size());
}

TEST_CASE("a tunnel whose client ended before it began ends with its backend") {
  World world;
  FakePeer& client = world.client(kUpgrade + "all I have");
  FakePeer& backend = world.connect();
  client.end();
  backend.send(kSwitch);
  CHECK(backend.take_received().ends_with("all I have"));
  CHECK(backend.wire().has_ended_writing);
  backend.end();
  CHECK_FALSE(client.is_open());
  CHECK(world.last().failure.empty());
}

TEST_CASE("a tunnel ends by silence both ways, a reset, or a client that stops reading") {
  World world;
  FakePeer& client = world.client(kUpgrade);
  FakePeer& backend = world.connect();
  backend.send(kSwitch);
  for (int hour = 0; hour < 4; ++hour) {
    world.advance(59min);
    (hour % 2 == 0 ? client : backend).send("x");
  }
  CHECK(client.is_open());
  SUBCASE("silence") {
    world.advance(1h);
    CHECK(world.last().failure == "tunnel_idle_timeout");
  }
  SUBCASE("the client resets") {
    client.fail(net::StreamError::kReset);
    CHECK(world.last().failure == "client_gone");
  }
  SUBCASE("the backend resets") {
    backend.fail(net::StreamError::kReset);
    CHECK(world.last().failure == "response_cut");
    CHECK(client.wire().closing == Closing::kReset);
  }
  SUBCASE("the client stops reading") {
    client.set_window(0);
    backend.send(std::string(500'000, 'x'));
    CHECK(client.wire().queued.size() < 3 * net::kHighMarkBytes);
    world.advance(30s);
    CHECK(world.last().failure == "client_write_timeout");
  }
  SUBCASE("the backend stops reading: its side pauses, and goes on") {
    backend.set_window(0);
    client.send(std::string(500'000, 'x'));
    CHECK(backend.wire().queued.size() < 3 * net::kHighMarkBytes);
    backend.take_received();
    std::size_t got = 0;
    for (int turn = 0; turn < 100 && got < 500'000; ++turn) {
      backend.take(30'000);
      client.deliver();
      got += backend.take_received().size();
    }
    CHECK(got == 500'000);
    client.end();
    backend.end();
    CHECK(world.last().failure.empty());
  }
  CHECK(world.last().phase == (world.last().failure.empty() ? "done" : "tunnel"));
  CHECK_FALSE(client.is_open());
  CHECK_FALSE(backend.is_open());
}

TEST_CASE("R23: a protocol switch that was not asked for is a bad response") {
  for (const std::string& request : {get(), get("/", "Connection: upgrade\r\nUpgrade: other\r\n"),
                                     get("/", "Upgrade: chat\r\n")}) {
    World world;
    FakePeer& client = world.client(request);
    FakePeer& backend = world.connect();
    CHECK_FALSE(has(backend.take_received(), "Upgrade"));
    backend.send(std::string(kSwitch) + "raw");
    std::string answer = client.take_received();
    CHECK(answer.starts_with("HTTP/1.1 502 "));
    CHECK_FALSE(has(answer, "raw"));
    CHECK(world.last().failure == "bad_response");
    CHECK_FALSE(backend.is_open());
  }
}

TEST_CASE("a reload that removes a pool leaves its requests alone, but keeps nothing of it") {
  World world;
  FakePeer& idle = world.client(get());
  world.connect().send(ok());
  idle.take_received();
  FakePeer& one = world.client(get("/1"));
  FakePeer& two = world.client(get("/2"));
  FakePeer& second = world.connect();
  FakePeer& three = world.client(get("/3"));  // its connect is under way
  CHECK(world.proxy->exchange_count() == 3);
  world.publish(false);
  FakePeer& third = world.connect();
  for (FakePeer* backend : {world.connector.peers[0].get(), &second, &third}) backend->send(ok());
  for (FakePeer* client : {&one, &two, &three}) CHECK(body_of(client->take_received()) == "hello");
  CHECK(world.lines.size() == 4);
  CHECK(world.last().failure.empty());
  CHECK(world.proxy->backend_connections().idle_count() == 0);
  idle.send(get());
  CHECK(idle.take_received().starts_with("HTTP/1.1 503 "));
}

TEST_CASE("a reload that removes a backend closes its idle connections only") {
  World world;
  world.add_backend(9002);
  world.publish();
  FakePeer& client = world.client(get());
  FakePeer& first = world.connect();
  first.send(ok());
  client.send(get());
  FakePeer& second = world.connect();
  second.send(ok());
  CHECK(world.proxy->backend_connections().idle_count() == 2);
  world.pool.backends.erase(world.pool.backends.begin());
  world.publish();
  CHECK_FALSE(first.is_open());
  CHECK(second.is_open());
  second.take_received();
  client.send(get("/stays"));
  CHECK(second.take_received().starts_with("GET /stays "));
  second.send(ok());
}

TEST_CASE("a pool that a reload empties during a pause fails with the reason before") {
  World world;
  FakePeer& client = world.client(get());
  world.connector.fail(net::ConnectError::kRefused);
  world.pool.backends.clear();
  world.publish();
  world.advance(1s);
  CHECK(client.take_received().starts_with("HTTP/1.1 502 "));
  CHECK(world.last().failure == "connect_refused");
}

TEST_CASE("a backend that is out gets no new request, and its idle connections close") {
  World world;
  world.add_backend(9002);
  world.publish();
  FakePeer& first = world.client(get("/1"));
  FakePeer& one = world.connect();
  one.send(ok());
  FakePeer& second = world.client(get("/2"));
  FakePeer& two = world.connect();
  CHECK(first.take_received().starts_with("HTTP/1.1 200"));
  world.known[0]->set_standing(backend::Standing::kOut);
  world.known[1]->set_standing(backend::Standing::kDraining);
  backend::PoolId pools[] = {0, 7};
  world.proxy->look_again(pools);
  world.scheduler.drain_retired();
  CHECK_FALSE(one.is_open());
  // What is under way goes on; a draining backend's connection is kept, one that is out's is not.
  CHECK(two.is_open());
  two.send(ok());
  CHECK(second.take_received().starts_with("HTTP/1.1 200"));
  CHECK(two.is_open());

  first.send(get("/3"));
  std::string answer = first.take_received();
  CHECK(answer.starts_with("HTTP/1.1 503 "));
  CHECK(has(answer, "\r\nRetry-After: "));
  CHECK(world.last().failure == "no_usable_backend");
  CHECK(world.last().phase == "routing");
  world.known[1]->set_standing(backend::Standing::kUsable);
  world.proxy->look_again(pools);
  FakePeer& third = world.client(get("/4"));
  CHECK(two.take_received().find("GET /4") != std::string::npos);
  world.known[1]->set_standing(backend::Standing::kOut);
  world.proxy->look_again(pools);
  CHECK(two.is_open());
  two.send(ok());
  CHECK(third.take_received().starts_with("HTTP/1.1 200"));
  CHECK_FALSE(two.is_open());
}

TEST_CASE("no retry goes to a backend that is out, and the earlier reason stands") {
  World world;
  world.add_backend(9002);
  world.publish();
  FakePeer& client = world.client(get());
  world.known[1]->set_standing(backend::Standing::kOut);
  backend::PoolId pools[] = {0};
  world.proxy->look_again(pools);
  world.connector.fail(net::ConnectError::kRefused);
  // Nobody else is usable: the same once more after a pause, not the other at once.
  CHECK(world.connector.targets.size() == 1);
  world.known[0]->set_standing(backend::Standing::kOut);
  world.proxy->look_again(pools);
  world.advance(100ms);
  CHECK(client.take_received().starts_with("HTTP/1.1 502 "));
  CHECK(world.last().failure == "connect_refused");
  CHECK(world.connector.targets.size() == 1);
}

TEST_CASE("drain: answers close, idle clients go, what is left is cut and counted") {
  World world;
  FakePeer& idle = world.client(get());
  FakePeer& backend = world.connect();
  backend.send(ok());
  FakePeer& busy = world.client(get());
  FakePeer& stuck = world.client(get());
  world.connect();
  idle.take_received();
  world.proxy->begin_drain();
  CHECK(idle.is_open());
  world.proxy->close_idle_clients();
  world.scheduler.drain_retired();
  CHECK_FALSE(idle.is_open());
  backend.send(ok());
  CHECK(has(busy.take_received(), "\r\nConnection: close\r\n"));
  CHECK_FALSE(busy.is_open());
  CHECK(world.proxy->connection_count() == 1);
  world.proxy->cut_all();
  world.scheduler.drain_retired();
  CHECK_FALSE(stuck.is_open());
  CHECK(world.last().failure == "drain_deadline");
  CHECK(world.failures(Failure::drain_deadline) == 1);
  CHECK(world.proxy->connection_count() == 0);
}

TEST_CASE("the proxy may go at any moment") {
  World world;
  world.client();
  world.client("GET / HT");
  world.client(get());
  world.client(get());
  world.connect().send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx");
  world.client(kUpgrade);
  world.connect().send(kSwitch);
}

TEST_CASE("requests in flight, oldest first, with what each is doing") {
  World world;
  CHECK(world.proxy->requests_in_flight(9).empty());
  FakePeer& slow = world.client(
      "POST /up%20x?secret HTTP/1.1\r\nHost: A.example:80\r\n"
      "Content-Length: 5\r\n\r\nab");
  FakePeer& backend = world.connect();
  world.advance(2s);
  std::string long_path = "/" + std::string(500, 'p');
  FakePeer& young = world.client(get(long_path));
  world.advance(1s);
  std::vector<observe::RequestInFlight> requests = world.proxy->requests_in_flight(9);
  REQUIRE(requests.size() == 2);
  const observe::RequestInFlight& old = requests[0];
  CHECK(old.listener == "public");
  CHECK(old.client.ip_text() == "192.0.2.1");
  CHECK(old.method == "POST");
  CHECK(old.host == "a.example");
  CHECK(old.path == "/up%20x");
  CHECK(old.route == "all");
  CHECK(old.pool == "web");
  CHECK(old.backend == "127.0.0.1:9001");
  CHECK(old.state == "awaiting_head");
  CHECK(old.age == 3s);
  CHECK(old.bytes_in == 2);
  CHECK(old.bytes_out == 0);
  CHECK(old.tries == 1);
  CHECK(old.request_id.size() == 32);
  CHECK(requests[1].state == "acquiring");
  CHECK(requests[1].age == 1s);
  CHECK(requests[1].path.size() < long_path.size());
  CHECK(long_path.starts_with(requests[1].path));
  CHECK(world.proxy->requests_in_flight(1).size() == 1);
  backend.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nxyz");
  CHECK(world.proxy->requests_in_flight(1)[0].state == "relaying");
  CHECK(world.proxy->requests_in_flight(1)[0].bytes_out == 3);
  world.proxy->cut_all();
  static_cast<void>(slow);
  static_cast<void>(young);
}

TEST_CASE("a drain that is taken back leaves nothing behind") {
  World world;
  world.proxy->begin_drain();
  FakePeer& closed = world.client(get());
  FakePeer& backend = world.connect();
  backend.send(ok());
  CHECK(has(closed.take_received(), "\r\nConnection: close\r\n"));
  FakePeer& kept = world.client(get());
  world.proxy->end_drain();
  backend.send(ok());
  CHECK_FALSE(has(kept.take_received(), "\r\nConnection: close\r\n"));
  CHECK(kept.is_open());
  world.proxy->cut_all();
}

}  // namespace
