// An Exchange's ways through the proxy: relaying, early answers, refusals of weir's own.
#include "proxy_fixture.h"
#include "tests/support/pool_settings.h"

namespace {

using namespace weir;
using namespace weir::proxy;
using namespace std::chrono_literals;
using test::Closing;
using test::FakePeer;

TEST_CASE("a request goes to the backend, its answer to the client, and both connections go on") {
  World world;
  FakePeer& client = world.client(get("/path?q", "X-Own: 1\r\n"));
  CHECK(world.proxy->exchange_count() == 1);
  FakePeer& backend = world.connect();
  std::string request = backend.take_received();
  CHECK(request.starts_with("GET /path?q HTTP/1.1\r\n"));
  CHECK(has(request, "\r\nHost: a\r\n"));
  CHECK(has(request, "\r\nX-Own: 1\r\n"));
  CHECK(has(request, "\r\nX-Forwarded-For: 192.0.2.1\r\n"));
  backend.send(ok());
  std::string answer = client.take_received();
  CHECK(answer.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(body_of(answer) == "hello");
  CHECK(world.proxy->exchange_count() == 0);
  CHECK(world.proxy->backend_connections().idle_count() == 1);

  client.send(get("/again"));
  CHECK(backend.take_received().starts_with("GET /again HTTP/1.1\r\n"));
  backend.send(ok("second"));
  CHECK(body_of(client.take_received()) == "second");
  CHECK(world.connector.targets.size() == 1);
  CHECK(world.last().is_reused);
  CHECK(world.last().status == 200);
  CHECK(world.last().failure.empty());
  CHECK(world.last().phase == "done");
  CHECK(world.last().backend == "127.0.0.1:9001");
  CHECK(world.last().bytes_out == 6);
  CHECK(world.listener().requests[2].get() == 2);
}

TEST_CASE("an upload passes while it comes, framed as it was") {
  World world;
  FakePeer& client = world.client(post("ab", 5));
  FakePeer& backend = world.connect();
  CHECK(body_of(backend.take_received()) == "ab");
  client.send("cd");
  CHECK(backend.take_received() == "cd");
  client.send("e");
  CHECK(backend.take_received() == "e");
  backend.send(ok());
  CHECK(world.last().bytes_in == 5);

  client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\nabc\r\n");
  client.send("2\r\nde\r\n0\r\nX-T: 1\r\n\r\n");
  CHECK(body_of(backend.take_received()) == "3\r\nabc\r\n2\r\nde\r\n0\r\nX-T: 1\r\n\r\n");
  backend.send(ok());
  CHECK(world.last().bytes_in == 5);
  CHECK(client.is_open());
}

TEST_CASE("R28: pipelined requests have one exchange at a time") {
  World world;
  FakePeer& client = world.client(get("/1") + get("/2") + get("/3"));
  FakePeer& backend = world.connect();
  for (int number = 1; number <= 3; ++number) {
    std::string name = "/" + std::to_string(number);
    CHECK(backend.take_received().starts_with("GET " + name + " "));
    CHECK(world.proxy->exchange_count() == 1);
    backend.send(ok(name));
    CHECK(body_of(client.take_received()) == name);
    world.advance(0s);
  }
  CHECK(world.proxy->exchange_count() == 0);
}

TEST_CASE("R25: an answer before the end of the upload is relayed at once") {
  World world;
  FakePeer& client = world.client(post("part", 100));
  FakePeer& backend = world.connect();
  backend.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nearly");
  CHECK(body_of(client.take_received()) == "early");
  SUBCASE("the upload goes on, and both may come to their end") {
    client.send(std::string(96, 'x'));
    CHECK(backend.take_received().ends_with("part" + std::string(96, 'x')));
    backend.send("later");
    CHECK(client.take_received() == "later");
    CHECK(client.is_open());
    CHECK_FALSE(backend.is_open());  // it may never read the rest
  }
  SUBCASE("a whole answer ends both connections") {
    backend.send("later");
    CHECK(client.take_received() == "later");
    CHECK(client.wire().closing == Closing::kFinished);
    CHECK_FALSE(backend.is_open());
    CHECK(world.last().failure.empty());
    CHECK(world.last().status == 200);
  }
}

TEST_CASE("R25: a backend that stops taking the upload may still answer") {
  World world;
  FakePeer& client = world.client(post("part", 100));
  FakePeer& backend = world.connect();
  backend.wire().has_ended_writing = true;  // from now on writes fail
  client.send("more");
  backend.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n");
  CHECK(client.take_received().starts_with("HTTP/1.1 413 "));
  CHECK(world.last().status == 413);
  CHECK(world.last().failure.empty());
  CHECK_FALSE(client.is_open());
}

TEST_CASE("an upload behind a whole answer is not piled up") {
  World world;
  FakePeer& client = world.client(post("part", 10'000'000));
  FakePeer& backend = world.connect();
  client.set_window(0);
  backend.send(ok(std::string(1000, 'x')));
  CHECK(world.proxy->exchange_count() == 1);  // until the client took it
  client.send(std::string(300'000, 'y'));
  CHECK(client.wire().incoming.empty());
  CHECK(client.wire().observer->read_budget() > 1);
  client.take(10'000);
  CHECK(body_of(client.take_received()) == std::string(1000, 'x'));
  CHECK(world.last().failure.empty());
  CHECK_FALSE(client.is_open());
}

TEST_CASE("R23: informational answers reach the client before the final one") {
  World world;
  FakePeer& client = world.client(
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  FakePeer& backend = world.connect();
  CHECK(has(backend.take_received(), "\r\nExpect: 100-continue\r\n"));
  backend.send("HTTP/1.1 100 Continue\r\n\r\n");
  CHECK(client.take_received().starts_with("HTTP/1.1 100 Continue\r\n"));
  client.send("ok");
  CHECK(backend.take_received() == "ok");
  backend.send(ok());
  CHECK(client.take_received().starts_with("HTTP/1.1 200 OK\r\n"));
}

TEST_CASE("an answer larger than the client takes pauses the backend, not more is kept") {
  World world;
  FakePeer& client = world.client(get());
  FakePeer& backend = world.connect();
  client.set_window(0);
  std::string body(400'000, 'b');
  backend.send(ok(body));
  std::size_t queued = client.wire().queued.size();
  CHECK(queued > net::kHighMarkBytes);
  CHECK(queued < 3 * net::kHighMarkBytes);
  CHECK(backend.wire().pause_reasons != 0);
  std::string got;
  for (int turn = 0; turn < 200 && world.lines.empty(); ++turn) {
    client.take(20'000);
    backend.deliver();
    CHECK(client.wire().queued.size() < 3 * net::kHighMarkBytes);
    got += client.take_received();
    world.advance(29s);  // slow, but neither is silent while it is its turn
  }
  got += client.take_received();
  CHECK((body_of(got) == body));
  CHECK(world.last().failure.empty());
}

TEST_CASE("an upload larger than the backend takes pauses the client") {
  World world;
  FakePeer& client = world.client(post("", 1'000'000));
  FakePeer& backend = world.connect();
  backend.set_window(0);
  client.send(std::string(1'000'000, 'u'));
  CHECK(client.wire().pause_reasons != 0);
  CHECK(backend.wire().queued.size() < 3 * net::kHighMarkBytes);
  std::size_t got = 0;
  for (int turn = 0; turn < 200 && got < 1'000'000; ++turn) {
    backend.take(30'000);
    client.deliver();
    CHECK(backend.wire().queued.size() < 3 * net::kHighMarkBytes);
    got += backend.take_received().size();
    world.advance(29s);
  }
  CHECK(got >= 1'000'000);
  backend.set_window(1'000'000);
  backend.send(ok());
  CHECK(body_of(client.take_received()) == "hello");
  CHECK(world.last().bytes_in == 1'000'000);
}

TEST_CASE("an upload that comes while the connect takes its time is bounded") {
  World world;
  FakePeer& client = world.client(post("", 1'000'000));
  client.send(std::string(1'000'000, 'u'));
  CHECK(client.wire().incoming.size() > 1'000'000 - 2 * net::kHighMarkBytes);
  world.advance(1s);
  FakePeer& backend = world.connect();
  client.deliver();
  CHECK(body_of(backend.take_received()).size() == 1'000'000);
  backend.send(ok());
  CHECK(world.last().failure.empty());
}

TEST_CASE("a head without a route, a table without routes, a pool without backends") {
  World world;
  world.pool.backends.clear();
  world.publish();
  CHECK(world.client(get()).take_received().starts_with("HTTP/1.1 503 "));
  CHECK(world.last().failure == "pool_empty");
  world.publish(false);
  CHECK(world.client(get()).take_received().starts_with("HTTP/1.1 503 "));
  CHECK(world.last().failure == "table_empty");
  route::RouteTableEditor editor(1);
  editor.set({"b", "/in", {}},
             {editor.add_route(std::make_shared<const route::Route>(route::Route{"b"})), 0});
  world.proxy->set_tables(
      editor.publish(),
      std::make_shared<backend::PoolSet>(std::vector<std::shared_ptr<const backend::PoolSpec>>{}));
  CHECK(world.client(get()).take_received().starts_with("HTTP/1.1 404 "));
  CHECK(world.last().failure == "no_route");
  std::string climbs = "GET /in/%2e%2e/x HTTP/1.1\r\nHost: b\r\n\r\n";
  CHECK(world.client(climbs).take_received().starts_with("HTTP/1.1 400 "));
  CHECK(world.last().failure == "bad_request");
  CHECK(world.last().phase == "routing");
  CHECK(world.connector.targets.empty());
}

TEST_CASE("what is kept for a pool goes when nobody has asked for it long") {
  World world;
  test::own_settings(world.pool).timeouts.response_head = 10min;
  world.publish();
  long unused = world.known[0].use_count();
  world.client(get());
  FakePeer& backend = world.connect();
  CHECK(world.known[0].use_count() > unused);
  world.advance(6min);
  world.proxy->collect_unused_pools();
  CHECK(world.known[0].use_count() > unused);  // a request is under way
  backend.send(ok());
  CHECK(world.last().status == 200);
  long kept = world.known[0].use_count();
  world.proxy->collect_unused_pools();
  CHECK(world.known[0].use_count() == kept);  // a connection is kept open
  world.advance(20s);
  world.proxy->collect_unused_pools();
  CHECK(world.known[0].use_count() == unused);
  // The next request finds everything as it was.
  world.client(get());
  world.connect().send(ok());
  CHECK(world.last().status == 200);
}

TEST_CASE("R08: a refused head is answered, counted and never reaches a backend") {
  World world;
  FakePeer& client = world.client("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" + get());
  std::string answer = client.take_received();
  CHECK(answer.starts_with("HTTP/1.1 400 "));
  CHECK(has(answer, "\r\nProxy-Status: weir; error=http_request_error; details=\"bad_request"));
  CHECK(has(answer, "\r\nX-Request-Id: " + world.last().request_id + "\r\n"));
  CHECK(world.last().phase == "head");
  CHECK(world.failures(Failure::bad_request) == 1);
  CHECK(world.connector.targets.empty());
  CHECK(world.lines.size() == 1);

  FakePeer& slow = world.client("GET");
  world.advance(10s);
  CHECK(slow.take_received().starts_with("HTTP/1.1 408 "));
  CHECK(world.last().failure == "request_head_timeout");
  FakePeer& silent = world.client();
  world.advance(10s);
  CHECK_FALSE(silent.is_open());
  CHECK(world.lines.size() == 2);
}

TEST_CASE("a body beyond the pool's limit is refused, announced or not") {
  World world;
  test::own_settings(world.pool).body_bytes = 10;
  world.publish();
  FakePeer& announced = world.client(post("x", 11));
  CHECK(announced.take_received().starts_with("HTTP/1.1 413 "));
  CHECK(world.connector.targets.empty());
  CHECK_FALSE(announced.is_open());

  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  CHECK(world.client(head + "b\r\n01234567890\r\n").take_received().starts_with("HTTP/1.1 413 "));
  CHECK(world.connector.targets.empty());

  FakePeer& grows = world.client(head + "a\r\n0123456789\r\n");
  FakePeer& backend = world.connect();
  grows.send("1\r\n0\r\n0\r\n\r\n");
  CHECK(grows.take_received().starts_with("HTTP/1.1 413 "));
  CHECK_FALSE(backend.is_open());
  CHECK_FALSE(has(backend.take_received(), "0\r\n\r\n"));
  CHECK(world.last().failure == "body_too_large");

  FakePeer& begun = world.client(head + "a\r\n0123456789\r\n");
  FakePeer& early = world.connect();
  early.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart");
  begun.send("1\r\n0\r\n");
  CHECK_FALSE(begun.is_open());
  CHECK_FALSE(early.is_open());
  CHECK(world.last().failure == "body_too_large");
  CHECK(world.last().status == 200);
  CHECK(world.failures(Failure::body_too_large) == 4);
}

TEST_CASE("R07: Max-Forwards at 0 is answered by weir, without what a third party must not learn") {
  World world;
  std::string fields =
      "Max-Forwards: 0\r\nCookie: secret=1\r\nAuthorization: Basic c2VjcmV0\r\n"
      "Proxy-Authorization: Basic c2VjcmV0\r\nX-Forwarded-For: secret\r\n"
      "Forwarded: for=secret\r\nX-Request-Id: secret\r\nX_Forwarded_Host: secret\r\n"
      "X-Seen: yes\r\n\r\n";
  FakePeer& client = world.client("TRACE /t?q HTTP/1.1\r\nHost: a\r\n" + fields);
  std::string answer = client.take_received();
  CHECK(answer.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(has(answer, "\r\nContent-Type: message/http\r\n"));
  CHECK(body_of(answer).starts_with("TRACE /t?q HTTP/1.1\r\nHost: a\r\n"));
  CHECK(has(answer, "\r\nX-Seen: yes\r\n"));
  CHECK_FALSE(has(answer, "secret"));
  CHECK_FALSE(has(answer, "c2VjcmV0"));

  client.send("OPTIONS * HTTP/1.1\r\nHost: a\r\n" + fields);
  answer = client.take_received();
  CHECK(answer.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(has(answer, "\r\nContent-Length: 0\r\n"));
  CHECK(world.connector.targets.empty());
  CHECK(world.lines.size() == 2);
  CHECK(client.is_open());

  client.send("OPTIONS * HTTP/1.1\r\nHost: a\r\nMax-Forwards: 1\r\n\r\n");
  FakePeer& backend = world.connect();
  CHECK(has(backend.take_received(), "\r\nMax-Forwards: 0\r\n"));
  backend.send(ok());
}

TEST_CASE("R16: a request that went round too often is refused") {
  World world;
  std::string often = "Via: 1.1 weir, 1.1 other, 1.1 weir\r\nVia: 1.1 weir\r\nVia: 1.1 weir\r\n";
  std::string answer = world.client(get("/", often)).take_received();
  CHECK(answer.starts_with("HTTP/1.1 508 Loop Detected\r\n"));
  CHECK(has(answer, "error=proxy_loop_detected"));
  CHECK(world.last().failure == "loop_detected");
  CHECK(world.connector.targets.empty());
}

TEST_CASE("an own answer to HEAD counts no body bytes") {
  World world;
  world.publish(false);
  FakePeer& client = world.client("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(body_of(client.take_received()).empty());
  CHECK(world.last().bytes_out == 0);
}

}  // namespace
