// Reading requests: pieces, pipelines, refusals, ends.
#include "inbound_fixture.h"

namespace {

using namespace std::chrono_literals;
using namespace weir::wire;
using weir::Failure;
using weir::net::PauseReason;
using weir::test::Closing;
using State = InboundConnection::State;

constexpr std::string_view kChunked =
    "POST /up HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
    "5;ext=1\r\nhello\r\nA\r\n, world...\r\n0\r\nX-Sum: 7\r\n\r\n";

TEST_CASE("R03: a request may be cut at any byte") {
  for (std::size_t at = 1; at < kChunked.size(); ++at) {
    CAPTURE(at);
    Inbound inbound;
    inbound.client.send(kChunked.substr(0, at));
    CHECK(inbound.connection->is_timed());
    inbound.client.send(kChunked.substr(at));
    REQUIRE(inbound.requests.size() == 1);
    CHECK(inbound.last().target == "/up");
    CHECK(inbound.last().body == "hello, world...");
    CHECK(inbound.last().trailers == "X-Sum=7;");
    CHECK(inbound.last().is_complete);
    CHECK(inbound.connection->has_whole_request());
    CHECK(inbound.connection->is_timed());
  }
}

TEST_CASE("requests may arrive byte by byte, one behind the other") {
  Inbound inbound;
  inbound.on_new_request = [&](Request& request) {
    request.on_read_done = [&] {
      if (request.is_complete) inbound.reply();
    };
  };
  std::string all = get("/1") + std::string(kChunked) + post("/3", "abc") + get("/4");
  for (char byte : all) {
    inbound.client.send({&byte, 1});
    inbound.advance(0s);
  }
  REQUIRE(inbound.requests.size() == 4);
  CHECK(inbound.requests[1]->body == "hello, world...");
  CHECK(inbound.requests[2]->body == "abc");
  CHECK(inbound.connection->state() == State::kIdle);
  std::string answers = inbound.client.take_received();
  for (std::string_view target : {"\r\n/1", "\r\n/up", "\r\n/3", "\r\n/4"})
    CHECK(has(answers, target));
}

TEST_CASE("R28: pipelined requests are handed out one at a time and answered in order") {
  Inbound inbound;
  inbound.client.send(get("/1") + post("/2", "two") + get("/3") + get("/4").substr(0, 10));
  for (std::size_t number = 1; number <= 3; ++number) {
    inbound.advance(1h);  // nothing is begun before the answer, however long it takes
    REQUIRE(inbound.requests.size() == number);
    CHECK(inbound.last().target == "/" + std::to_string(number));
    CHECK(inbound.client.take_received().empty());
    inbound.reply();
    CHECK(inbound.requests.size() == number);  // not inside release()
    CHECK(inbound.connection->is_timed());
    CHECK(inbound.client.take_received().ends_with("\r\n\r\n/" + std::to_string(number)));
    inbound.advance(0s);
  }
  CHECK(inbound.requests.size() == 3);
  CHECK(inbound.requests[1]->body == "two");
  CHECK(inbound.connection->state() == State::kHead);
  inbound.client.send(get("/4").substr(10));
  CHECK(inbound.last().target == "/4");
}

TEST_CASE("bytes that come between release and the next turn join what was kept") {
  Inbound inbound;
  std::string next = get("/2");
  inbound.client.send(get("/1") + next.substr(0, 9));
  inbound.reply();
  inbound.client.send(next.substr(9));
  REQUIRE(inbound.requests.size() == 2);
  CHECK(inbound.last().target == "/2");
  inbound.advance(0s);
  CHECK(inbound.requests.size() == 2);
  inbound.reply();
  inbound.advance(70s);  // no earlier timer is left behind
  CHECK_FALSE(inbound.is_closed());
}

TEST_CASE("R28: 16 KiB of what follows are kept, then reading pauses until the next turn") {
  Inbound inbound;
  inbound.client.send(get("/first"));
  std::string rest;
  std::size_t sent = 0;
  for (; rest.size() < 70'000; ++sent)
    rest += get("/" + std::to_string(sent), "X: " + std::string(300, 'x') + "\r\n");
  inbound.client.send(rest);
  std::size_t waiting = inbound.client.wire().incoming.size();
  CHECK(rest.size() - waiting == 16 * 1024);
  CHECK(inbound.client.wire().pause_reasons == static_cast<unsigned>(PauseReason::kPipelined));

  inbound.reply();
  for (std::size_t number = 0; number < sent; ++number) {
    inbound.advance(0s);
    REQUIRE(inbound.last().target == "/" + std::to_string(number));
    inbound.reply();
  }
  CHECK(inbound.client.wire().incoming.empty());
  CHECK(inbound.client.wire().pause_reasons == 0);
  CHECK(count(inbound.client.take_received(), "HTTP/1.1 200 OK") == sent + 1);
}

TEST_CASE("the handler's budget bounds each read of a body") {
  Inbound inbound;
  inbound.on_new_request = [](Request& request) { request.budget = 100; };
  std::string body(5000, 'b');
  inbound.client.send(post("/", body).substr(0, 60));
  int reads = inbound.last().reads;
  inbound.client.send(post("/", body).substr(60));
  CHECK(inbound.last().body == body);
  CHECK(inbound.last().reads - reads >= 49);
}

TEST_CASE("R08: behind a refused head nothing is interpreted") {
  Inbound inbound;
  inbound.client.send(get("/1") + "GET /bad HTTP/1.1\r\nHost : a\r\n\r\n" + get("/smuggled"));
  inbound.reply();
  inbound.client.take_received();
  inbound.advance(0s);
  CHECK(inbound.refusals == std::vector{Failure::bad_request});
  CHECK(inbound.requests.size() == 1);
  std::string answer = inbound.client.take_received();
  CHECK(answer.starts_with("HTTP/1.1 400 "));
  CHECK(has(answer, "\r\nConnection: close\r\n"));
  CHECK(count(answer, "HTTP/1.1") == 1);
  CHECK(inbound.is_closed());
  CHECK(inbound.closings == 1);
  CHECK(inbound.closing() == Closing::kFinished);
  inbound.client.send(get("/more"));
  CHECK(inbound.requests.size() == 1);
}

TEST_CASE("a refusal that nobody answers closes in silence") {
  Inbound inbound;
  inbound.answers_refusals = false;
  inbound.client.send("GET / HTTP/2.0\r\n\r\n");
  CHECK(inbound.refusals == std::vector{Failure::version_not_supported});
  CHECK(inbound.closing() == Closing::kDropped);
  CHECK(inbound.client.take_received().empty());
}

TEST_CASE("R12: each limit has its own refusal") {
  struct Row {
    std::string text;
    Failure failure;
  };
  std::string many;
  for (int i = 0; i < 101; ++i) many += "X: y\r\n";
  for (const Row& row : {
           Row{"GET /" + std::string(9000, 'x'), Failure::uri_too_long},
           Row{"GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(33'000, 'x'),
               Failure::head_too_large},
           Row{"GET / HTTP/1.1\r\nHost: a\r\n" + many + "\r\n", Failure::head_too_large},
           Row{"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", Failure::not_implemented},
           Row{"GET / HTTP/1.1\r\nHost: a\r\nExpect: cake\r\n\r\n", Failure::expectation_failed},
       }) {
    Inbound inbound;
    inbound.client.send(row.text);
    REQUIRE(inbound.refusals.size() == 1);
    CHECK(inbound.refusals[0] == row.failure);
    CHECK(inbound.is_closed());
  }
}

TEST_CASE("R08: a body with broken framing fails once and ends the connection") {
  Inbound inbound;
  inbound.client.send(
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3\r\nabc\r\n");
  Request& request = inbound.last();
  request.on_failure = [&] {
    weir::http::LocalResponse response;
    response.status = 400;
    inbound.connection->answer(response);
  };
  inbound.client.send("zz\r\n" + get("/smuggled"));
  CHECK(request.body == "abc");
  CHECK(request.failures == std::vector{Failure::bad_request});
  CHECK(inbound.connection->is_timed());
  inbound.client.send("0\r\n\r\n" + get("/later"));
  CHECK(inbound.requests.size() == 1);
  CHECK_FALSE(request.is_complete);
  inbound.release();
  CHECK(inbound.closing() == Closing::kFinished);
  CHECK(has(inbound.client.take_received(), "\r\nConnection: close\r\n"));
}

TEST_CASE("a handler may let go while it gets its body") {
  Inbound inbound;
  inbound.client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n");
  inbound.last().on_body = [&] { inbound.connection->release(); };
  inbound.client.send("part" + get("/2"));
  CHECK(inbound.is_closed());
  CHECK(inbound.last().body.starts_with("part"));
  CHECK(inbound.last().reads == 1);
  CHECK(inbound.requests.size() == 1);
}

TEST_CASE("a client that breaks off is heard by the handler only") {
  Inbound idle;
  idle.client.fail(weir::net::StreamError::kReset);
  CHECK(idle.closing() == Closing::kDropped);

  Inbound head;
  head.client.send("GET / HT");
  head.client.fail(weir::net::StreamError::kReset);
  CHECK(head.closing() == Closing::kDropped);
  CHECK(head.refusals.empty());

  Inbound waiting;  // R31
  waiting.client.send(get("/"));
  waiting.client.fail(weir::net::StreamError::kReset);
  CHECK(waiting.last().failures == std::vector{Failure::client_gone});
  CHECK(waiting.is_closed());
}

TEST_CASE("an end of stream between requests or inside a head closes in silence") {
  Inbound idle;
  idle.client.end();
  CHECK(idle.closing() == Closing::kDropped);

  Inbound head;
  head.client.send("GET / HT");
  head.client.end();
  CHECK(head.closing() == Closing::kDropped);
  CHECK(head.refusals.empty());
  CHECK(head.client.take_received().empty());
}

TEST_CASE("an end of stream inside a body is a client that is gone") {
  Inbound inbound;
  inbound.client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabc");
  inbound.client.end();
  CHECK(inbound.last().failures == std::vector{Failure::client_gone});
  CHECK_FALSE(inbound.last().is_complete);
  CHECK(inbound.is_closed());
}

TEST_CASE("R31: a client that only listens is served for client_fin") {
  Inbound inbound;
  inbound.client.send(get("/"));
  inbound.advance(20s);
  inbound.client.end();
  CHECK(inbound.connection->is_timed());
  inbound.advance(999ms);
  CHECK(inbound.last().failures.empty());
  SUBCASE("an answer in time arrives, and the connection closes") {
    inbound.reply();
    std::string answer = inbound.client.take_received();
    CHECK(answer.starts_with("HTTP/1.1 200 OK\r\n"));
    CHECK(has(answer, "\r\nConnection: close\r\n"));
    CHECK(inbound.closing() == Closing::kFinished);
  }
  SUBCASE("after that it is gone") {
    inbound.advance(1ms);
    CHECK(inbound.last().failures == std::vector{Failure::client_gone});
    CHECK(inbound.is_closed());
  }
}

TEST_CASE("R31: each pipelined request of a client that only listens has client_fin") {
  Inbound inbound;
  inbound.client.send(get("/1") + get("/2") + get("/3"));
  inbound.client.end();
  for (int number = 1; number <= 3; ++number) {
    inbound.advance(900ms);
    REQUIRE(inbound.requests.size() == static_cast<std::size_t>(number));
    inbound.reply();
    CHECK(has(inbound.client.take_received(), "Connection: close") == (number == 3));
    inbound.advance(0s);
  }
  CHECK(inbound.closing() == Closing::kFinished);
}

TEST_CASE("R31: client_fin begins anew with each kept request, and ends it") {
  Inbound inbound;
  inbound.client.send(get("/1") + get("/2"));
  inbound.reply();
  inbound.client.end();  // before the turn that reads what was kept
  CHECK_FALSE(inbound.is_closed());
  inbound.advance(0s);
  REQUIRE(inbound.requests.size() == 2);
  CHECK(inbound.connection->is_timed());
  inbound.advance(1s - 1ms);
  CHECK(inbound.last().failures.empty());
  inbound.advance(1ms);
  CHECK(inbound.last().failures == std::vector{Failure::client_gone});
}

TEST_CASE("the end of stream behind a kept half request closes after the answer") {
  Inbound inbound;
  inbound.client.send(get("/1") + "GET /2 HT");
  inbound.client.end();
  inbound.reply();
  inbound.advance(0s);
  CHECK(inbound.is_closed());
  CHECK(inbound.requests.size() == 1);
  CHECK(inbound.refusals.empty());
}

}  // namespace
