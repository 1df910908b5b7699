// The client side's deadlines and silences (R29, R32), and pausing.
#include "inbound_fixture.h"

namespace {

using namespace std::chrono_literals;
using namespace weir::wire;
using weir::Failure;
using weir::net::PauseReason;
using weir::test::Closing;

constexpr std::string_view kUpload = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 90000\r\n\r\n";

TEST_CASE("R29: a client that never says a word is closed in silence") {
  Inbound inbound;
  inbound.advance(10s - 1ms);
  CHECK(inbound.client.is_open());
  inbound.advance(1ms);
  CHECK(inbound.closing() == Closing::kDropped);
  CHECK(inbound.refusals.empty());
  CHECK(inbound.client.take_received().empty());
}

TEST_CASE("R32: the first head has its deadline from accept, whatever trickles") {
  Inbound inbound;
  std::string head = get("/", "X: " + std::string(100, 'x') + "\r\n");
  for (std::size_t at = 0; at < 10; ++at) {
    inbound.client.send(head.substr(at, 1));
    CHECK(inbound.refusals.empty());
    inbound.advance(1s);
  }
  CHECK(inbound.refusals == std::vector{Failure::request_head_timeout});
  CHECK(inbound.client.take_received().starts_with("HTTP/1.1 408 "));
  CHECK(inbound.closing() == Closing::kFinished);
}

TEST_CASE("R32: later heads have their deadline from their first byte") {
  Inbound inbound;
  inbound.client.send(get("/1"));
  inbound.reply();
  inbound.client.take_received();
  inbound.advance(74s);
  inbound.client.send("GE");
  for (int second = 0; second < 9; ++second) {
    inbound.advance(1s);
    inbound.client.send("T");
  }
  CHECK(inbound.refusals.empty());
  inbound.advance(1s);
  CHECK(inbound.refusals == std::vector{Failure::request_head_timeout});
  CHECK(inbound.client.take_received().starts_with("HTTP/1.1 408 "));
}

TEST_CASE("R32: a kept half request has its deadline once its turn comes") {
  Inbound inbound;
  inbound.client.send(get("/1") + "GET /2");
  inbound.advance(60s);
  inbound.reply();
  inbound.advance(0s);
  inbound.advance(10s - 1ms);
  CHECK(inbound.refusals.empty());
  inbound.advance(1ms);
  CHECK(inbound.refusals == std::vector{Failure::request_head_timeout});
}

TEST_CASE("R29: between requests there is client_idle, anew after each answer") {
  Inbound inbound;
  for (int request = 0; request < 3; ++request) {
    inbound.client.send(get("/"));
    inbound.advance(500s);  // the handler takes its time
    inbound.reply();
    inbound.client.take_received();
    inbound.advance(75s - 1ms);
    REQUIRE(inbound.client.is_open());
  }
  inbound.advance(1ms);
  CHECK(inbound.closing() == Closing::kDropped);
  CHECK(inbound.client.take_received().empty());
  CHECK(inbound.refusals.empty());
}

TEST_CASE("R32: silence inside a body is a failure, bytes push it back") {
  Inbound inbound;
  inbound.client.send(kUpload);
  for (int piece = 0; piece < 3; ++piece) {
    inbound.advance(29s);
    CHECK(inbound.last().failures.empty());
    inbound.client.send("x");
  }
  inbound.advance(30s - 1ms);
  CHECK(inbound.last().failures.empty());
  CHECK(inbound.connection->is_timed());
  inbound.advance(1ms);
  CHECK(inbound.last().failures == std::vector{Failure::client_body_timeout});
  CHECK(inbound.is_closed());
}

TEST_CASE("after a body's timeout an answer is still possible") {
  Inbound inbound;
  inbound.client.send(kUpload);
  inbound.last().on_failure = [&] {
    weir::http::LocalResponse response;
    response.status = 408;
    inbound.connection->answer(response);
    inbound.connection->release();
  };
  inbound.advance(30s);
  CHECK(inbound.client.take_received().starts_with("HTTP/1.1 408 "));
  CHECK(inbound.closing() == Closing::kFinished);
}

TEST_CASE("while weir pauses the body its silence does not count") {
  Inbound inbound;
  inbound.client.send(kUpload);
  inbound.advance(20s);
  inbound.connection->pause_body();
  inbound.connection->pause_body();
  CHECK(inbound.connection->is_body_paused());
  inbound.client.send("waits");
  CHECK(inbound.client.wire().incoming == "waits");
  inbound.advance(300s);
  CHECK(inbound.last().failures.empty());
  CHECK(inbound.connection->is_timed());

  inbound.connection->resume_body();
  CHECK_FALSE(inbound.connection->is_body_paused());
  inbound.client.deliver();
  CHECK(inbound.last().body == "waits");
  inbound.advance(30s - 1ms);
  CHECK(inbound.last().failures.empty());
  inbound.advance(1ms);
  CHECK(inbound.last().failures == std::vector{Failure::client_body_timeout});
}

TEST_CASE("a handler that pauses inside a read is not timed") {
  Inbound inbound;
  inbound.client.send(kUpload);
  inbound.last().on_read_done = [&] { inbound.connection->pause_body(); };
  inbound.client.send("x");
  inbound.advance(300s);
  CHECK(inbound.last().failures.empty());
  inbound.connection->resume_body();
  inbound.advance(30s);
  CHECK(inbound.last().failures.size() == 1);
}

TEST_CASE("a pause does not outlive its request") {
  Inbound inbound;
  inbound.client.send(post("/1", "x"));
  inbound.connection->pause_body();
  inbound.reply();
  CHECK_FALSE(inbound.connection->is_body_paused());
  CHECK(inbound.client.wire().pause_reasons == 0);
  inbound.client.send(get("/2"));
  CHECK(inbound.last().target == "/2");
}

TEST_CASE("a whole request leaves the time to its handler") {
  for (const std::string& text : {get("/"), post("/", "abc")}) {
    Inbound inbound;
    inbound.client.send(text);
    CHECK(inbound.connection->is_timed());
    inbound.advance(24h);
    CHECK(inbound.last().failures.empty());
    CHECK(inbound.client.is_open());
  }
}

TEST_CASE("R32: a client that stops reading its answer is given up, one that reads slowly is not") {
  Inbound inbound;
  inbound.client.set_window(0);
  inbound.client.send(get("/"));
  inbound.relay("HTTP/1.1 200 OK\r\nContent-Length: 40000\r\n\r\n", std::string(40'000, 'b'));
  std::size_t queued = inbound.connection->queued_bytes();
  CHECK(queued > 40'000);
  CHECK(inbound.connection->is_timed());
  for (int piece = 0; piece < 5; ++piece) {
    inbound.advance(29s);
    CHECK(inbound.last().failures.empty());
    inbound.client.take(1);
  }
  CHECK(inbound.last().progress.size() == 5);
  CHECK(inbound.last().progress.back() == queued - 5);
  inbound.advance(30s - 1ms);
  CHECK(inbound.last().failures.empty());
  inbound.advance(1ms);
  CHECK(inbound.last().failures == std::vector{Failure::client_write_timeout});
  CHECK(inbound.is_closed());
}

TEST_CASE("a client that took everything has no more write timer") {
  Inbound inbound;
  inbound.client.set_window(0);
  inbound.client.send(get("/"));
  inbound.send_head("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
  inbound.connection->flush();
  inbound.client.take(100'000);
  CHECK(inbound.last().progress.back() == 0);
  inbound.advance(300s);  // the backend is slow, not the client
  CHECK(inbound.last().failures.empty());
  CHECK(inbound.connection->is_timed());
}

TEST_CASE("settings are asked for each time, so that a reload reaches open connections") {
  Inbound inbound;
  inbound.client.send(get("/"));
  inbound.settings.client_idle = 5s;
  inbound.settings.limits.start_line_bytes = 20;
  inbound.reply();
  inbound.advance(4s);
  CHECK(inbound.client.is_open());
  SUBCASE("time") {
    inbound.advance(1s);
    CHECK_FALSE(inbound.client.is_open());
  }
  SUBCASE("limits") {
    inbound.client.send(get("/a-long-target"));
    CHECK(inbound.refusals == std::vector{Failure::uri_too_long});
  }
}

TEST_CASE("a connection that is destroyed under way leaves no timer behind") {
  Inbound inbound;
  inbound.client.set_window(0);
  inbound.client.send(post("/", "abc") + get("/2"));
  inbound.relay("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", "ok");
  inbound.connection.reset();
  CHECK(inbound.closing() == Closing::kDropped);
  CHECK_FALSE(inbound.scheduler.next_deadline().has_value());
  inbound.advance(100s);
  CHECK(inbound.closings == 0);
}

}  // namespace
