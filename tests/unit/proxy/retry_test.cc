// Attempts at backends: failures, retries, budget, timeouts (R30, R31, DESIGN §6).
#include "proxy_fixture.h"
#include "tests/support/pool_settings.h"

namespace {

using namespace weir;
using namespace weir::proxy;
using namespace std::chrono_literals;
using net::ConnectError;
using test::Closing;
using test::FakePeer;

// Expects a failure page and its line.
void check_failed(World& world, FakePeer& client, int status, std::string_view reason) {
  std::string answer = client.take_received();
  CHECK(answer.starts_with("HTTP/1.1 " + std::to_string(status) + " "));
  CHECK(has(answer, "details=\"" + std::string(reason)));
  CHECK(world.last().status == status);
  CHECK(world.last().failure == reason);
}

TEST_CASE("a refused connect goes to another backend at once, whatever the method") {
  for (const std::string& request : {get(), post("body")}) {
    World world;
    world.add_backend(9002);
    world.publish();
    FakePeer& client = world.client(request);
    world.connector.fail(ConnectError::kRefused);
    CHECK(world.connector.targets == std::vector<std::string>{"127.0.0.1:9001", "127.0.0.1:9002"});
    FakePeer& backend = world.connect();
    CHECK(body_of(backend.take_received()) == body_of(request));
    backend.send(ok());
    CHECK(body_of(client.take_received()) == "hello");
    CHECK(world.last().tries == 2);
    CHECK(world.last().backend == "127.0.0.1:9002");
    CHECK(world.last().failure.empty());
    CHECK(world.numbers.retries.get() == 1);
    CHECK(world.failures(Failure::connect_refused) == 0);
  }
}

TEST_CASE("when every backend was tried there is a pause, and retries have an end") {
  World world;
  FakePeer& client = world.client(get());
  for (int retry = 0; retry < 2; ++retry) {
    world.connector.fail(ConnectError::kRefused);
    CHECK(world.connector.pending_count() == 0);
    world.advance(24ms);
    CHECK(world.connector.pending_count() == 0);
    world.advance(100ms);
    CHECK(world.connector.pending_count() == 1);
  }
  world.connector.fail(ConnectError::kUnreachable);
  check_failed(world, client, 502, "connect_unreachable");
  CHECK(world.last().tries == 3);
  CHECK(world.last().phase == "connect");
  CHECK(client.is_open());
}

TEST_CASE("connects that fail at once are tried again just the same") {
  World world;
  world.connector.errors_at_once = {ConnectError::kRefused, ConnectError::kRefused};
  FakePeer& client = world.client(get());
  world.advance(50ms);
  world.advance(100ms);
  world.connect().send(ok());
  CHECK(body_of(client.take_received()) == "hello");
  CHECK(world.last().tries == 3);
}

TEST_CASE("what weir itself lacks is not tried again") {
  World world;
  world.connector.errors_at_once = {ConnectError::kNoDescriptors, ConnectError::kNoLocalPort};
  FakePeer& first = world.client(get());
  CHECK(has(first.wire().received, "\r\nRetry-After: 1\r\n"));
  check_failed(world, first, 503, "overloaded");
  FakePeer& second = world.client(get());
  check_failed(world, second, 503, "no_local_port");
  CHECK(world.connector.targets.size() == 2);
}

TEST_CASE("no attempt begins after the retry window") {
  World world;
  test::own_settings(world.pool).retries = 9;
  test::own_settings(world.pool).timeouts.retry_window = 3s;
  world.publish();
  FakePeer& client = world.client(get());
  world.advance(2s);
  world.advance(50ms);
  CHECK(world.connector.pending_count() == 1);
  world.advance(2s);
  check_failed(world, client, 504, "connect_timeout");
  CHECK(world.last().tries == 2);
}

TEST_CASE("R30: a request that the backend may have read is sent again only when idempotent") {
  for (std::string_view method : {"GET", "PUT", "POST", "PATCH", "BREW"}) {
    CAPTURE(method);
    World world;
    FakePeer& client =
        world.client(std::string(method) + " / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nok");
    world.connect().end();
    if (method == "GET" || method == "PUT") {
      world.advance(50ms);
      FakePeer& backend = world.connect();
      CHECK(body_of(backend.take_received()) == "ok");
      backend.send(ok());
      CHECK(body_of(client.take_received()) == "hello");
    } else {
      CHECK(world.connector.targets.size() == 1);
      check_failed(world, client, 502, "closed_before_response");
    }
  }
}

TEST_CASE("R30: a POST that nobody acknowledged is sent again when the stream ended cleanly") {
  for (bool is_clean : {true, false}) {
    World world;
    FakePeer& client = world.client(post("ok"));
    FakePeer& backend = world.connect();
    backend.wire().acknowledged_bytes = 0;
    if (is_clean) {
      backend.end();
      world.advance(50ms);
      world.connect().send(ok());
      CHECK(body_of(client.take_received()) == "hello");
    } else {
      backend.fail(net::StreamError::kReset);
      check_failed(world, client, 502, "closed_before_response");
    }
  }
}

TEST_CASE("R30: after any byte of a response nothing is sent again") {
  for (std::string_view bytes : {"H", "HTTP/1.1 103 Early Hints\r\n\r\n"}) {
    World world;
    FakePeer& client = world.client(get());
    FakePeer& backend = world.connect();
    backend.send(bytes);
    backend.end();
    std::string answer = client.take_received();
    CHECK(answer.starts_with(bytes.size() > 1 ? "HTTP/1.1 103 " : "HTTP/1.1 502 "));
    CHECK(has(answer, "HTTP/1.1 502 "));
    CHECK(world.last().failure == "closed_before_response");
    CHECK(world.connector.targets.size() == 1);
  }
}

TEST_CASE("a bad response is never asked for again") {
  World world;
  FakePeer& client = world.client(get());
  FakePeer& backend = world.connect();
  backend.send("SMTP ready\r\n");
  check_failed(world, client, 502, "bad_response");
  CHECK_FALSE(backend.is_open());
  CHECK(world.connector.targets.size() == 1);
}

TEST_CASE("a request too large to be kept is not sent again") {
  World world;
  FakePeer& client = world.client("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 40000\r\n\r\n");
  FakePeer& backend = world.connect();
  client.send(std::string(40'000, 'u'));
  backend.end();
  check_failed(world, client, 502, "closed_before_response");
  CHECK(world.connector.targets.size() == 1);
}

TEST_CASE("the retry budget is the pool's, and failed connects are free") {
  World world;
  test::own_settings(world.pool).retry_budget_percent = 0;
  world.publish();
  FakePeer& client = world.client(get());
  world.connector.fail(ConnectError::kRefused);
  world.advance(50ms);
  world.connect().end();
  check_failed(world, client, 502, "closed_before_response");
  CHECK(world.numbers.retries.get() == 1);
  CHECK(world.numbers.retries_denied.get() == 1);
}

TEST_CASE("side effects avoid a connection that was idle for long, reads take it") {
  World world;
  FakePeer& client = world.client(get());
  FakePeer& first = world.connect();
  first.send(ok());
  world.advance(5s);
  client.send(post("x"));
  FakePeer& second = world.connect();
  second.send(ok());
  CHECK_FALSE(world.last().is_reused);
  world.advance(5s);
  second.take_received();
  client.send(get("/read"));
  CHECK(second.take_received().starts_with("GET /read "));
  second.send(ok());
  CHECK(world.connector.targets.size() == 2);
}

TEST_CASE("a kept-open connection that the backend closes at the same moment costs a try only") {
  World world;
  FakePeer& client = world.client(get());
  world.connect().send(ok());
  client.take_received();
  client.send(get("/2"));
  world.connector.peers[0]->end();
  world.advance(50ms);
  world.connect().send(ok("two"));
  CHECK(body_of(client.take_received()) == "two");
  CHECK(world.last().tries == 2);
}

TEST_CASE("each wait for the backend has its timeout and its reason") {
  World world;
  test::own_settings(world.pool).timeouts.backend_write = 3s;
  test::own_settings(world.pool).timeouts.response_head = 4s;
  test::own_settings(world.pool).timeouts.backend_body = 5s;
  test::own_settings(world.pool).retries = 0;
  world.publish();
  FakePeer& client = world.client();
  SUBCASE("connecting") {
    client.send(get());
    world.advance(2s - 1ms);
    CHECK(world.lines.empty());
    world.advance(1ms);
    check_failed(world, client, 504, "connect_timeout");
  }
  SUBCASE("taking the request") {
    world.connector.window_bytes = 10;
    client.send(get());
    FakePeer& backend = world.connect();
    world.advance(2900ms);
    backend.take(1);
    world.advance(2900ms);
    CHECK(world.lines.empty());
    world.advance(100ms);
    check_failed(world, client, 504, "backend_write_timeout");
    CHECK(world.last().phase == "request");
  }
  SUBCASE("thinking") {
    client.send(get());
    FakePeer& backend = world.connect();
    world.advance(3900ms);
    backend.send("HTTP/1.1 103 Early Hints\r\n\r\n");  // does not restart it
    client.take_received();
    CHECK(world.lines.empty());
    world.advance(100ms);
    check_failed(world, client, 504, "response_head_timeout");
    CHECK_FALSE(backend.is_open());
  }
  SUBCASE("sending the body") {
    client.send(get());
    FakePeer& backend = world.connect();
    backend.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n");
    for (int piece = 0; piece < 3; ++piece) {
      world.advance(4900ms);
      backend.send("x");
    }
    world.advance(4999ms);
    CHECK(world.lines.empty());
    world.advance(1ms);
    CHECK(world.last().failure == "backend_body_timeout");
    CHECK(world.last().status == 200);
    CHECK(world.last().phase == "response");
    CHECK_FALSE(client.is_open());
  }
}

TEST_CASE("the whole request may have a limit") {
  World world;
  test::own_settings(world.pool).timeouts.request = 10s;
  world.publish();
  FakePeer& waiting = world.client(get());
  world.connect();
  FakePeer& begun = world.client(get());
  FakePeer& backend = world.connect();
  backend.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx");
  world.advance(9s);
  backend.send("x");
  CHECK(world.lines.empty());
  world.advance(1s);
  CHECK(waiting.take_received().starts_with("HTTP/1.1 504 "));
  CHECK_FALSE(begun.is_open());
  CHECK(world.failures(Failure::request_timeout) == 2);
}

TEST_CASE("R24: a response that breaks off cuts the client") {
  for (bool is_1_0 : {false, true}) {
    World world;
    FakePeer& client = world.client(is_1_0 ? "GET / HTTP/1.0\r\n\r\n" : get());
    FakePeer& backend = world.connect();
    backend.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
    backend.end();
    CHECK(has(client.take_received(), "hello"));
    CHECK(client.wire().closing == (is_1_0 ? Closing::kReset : Closing::kFinished));
    CHECK(world.last().failure == "response_cut");
    CHECK(world.last().status == 200);
  }
}

}  // namespace
