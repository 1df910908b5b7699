// Answers: framing for the client, keep-alive, cuts, drain, tunnels.
#include "inbound_fixture.h"

namespace {

using namespace std::chrono_literals;
using namespace weir::wire;
using weir::Failure;
using weir::http::Method;
using weir::net::WriteResult;
using weir::test::Closing;
using State = InboundConnection::State;

constexpr std::string_view kLength = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
constexpr std::string_view kChunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
constexpr std::string_view kUntilClose = "HTTP/1.1 200 OK\r\n\r\n";

// What comes behind the head.
std::string tail_of(std::string_view answer) {
  return std::string(answer.substr(answer.find("\r\n\r\n") + 4));
}

TEST_CASE("R27, R29: whether a connection goes on, and what it says about it") {
  struct Row {
    std::string_view version, fields, answer;
    bool goes_on;
    std::string_view says;  // the value of Connection, or nothing
  };
  for (const Row& row : {
           Row{"1.1", "", kLength, true, ""},
           Row{"1.1", "", kChunks, true, ""},
           Row{"1.1", "", kUntilClose, true, ""},
           Row{"1.1", "Connection: close\r\n", kLength, false, "close"},
           Row{"1.1", "Connection: x,\tClose\r\n", kLength, false, "close"},
           Row{"1.1", "Connection: keep-alive\r\n", kLength, true, ""},
           Row{"1.0", "", kLength, false, "close"},
           Row{"1.0", "Connection: keep-alive\r\n", kLength, true, "keep-alive"},
           Row{"1.0", "Connection: keep-alive\r\n", kChunks, false, "close"},
           Row{"1.0", "Connection: keep-alive\r\n", kUntilClose, false, "close"},
       }) {
    for (bool is_draining : {false, true}) {
      CAPTURE(row.version);
      CAPTURE(row.fields);
      CAPTURE(row.answer);
      CAPTURE(is_draining);
      Inbound inbound;
      inbound.client.send("GET / HTTP/" + std::string(row.version) + "\r\nHost: a\r\n" +
                          std::string(row.fields) + "\r\n");
      inbound.is_draining = is_draining;
      inbound.relay(row.answer, "hello");
      inbound.release();
      std::string answer = inbound.client.take_received();
      std::string_view says = is_draining ? "close" : row.says;
      CHECK(count(answer, "Connection:") == (says.empty() ? 0 : 1));
      CHECK(has(answer, "\r\nConnection: " + std::string(says)) == !says.empty());
      CHECK(has(answer, "Transfer-Encoding") == (row.version == "1.1" && row.answer != kLength));
      bool goes_on = row.goes_on && !is_draining;
      CHECK(inbound.client.is_open() == goes_on);
      if (!goes_on) CHECK(inbound.closing() == Closing::kFinished);
      CHECK(has(tail_of(answer), "hello"));
    }
  }
}

TEST_CASE("bodies are framed anew, each way") {
  Inbound inbound;
  inbound.client.send(get("/"));
  inbound.send_head(kChunks);
  inbound.connection->send_body("hello");
  inbound.connection->send_body("");
  inbound.connection->send_body(std::string(300, 'x'));
  inbound.connection->send_body(std::string(16 * 1024, 'y'));  // goes out from where it lies
  weir::http::Fields trailers;
  trailers.add("X-Sum", "7");
  inbound.connection->end_response(trailers);
  CHECK(inbound.connection->flush() == WriteResult::kOk);
  CHECK(tail_of(inbound.client.take_received()) ==
        "5\r\nhello\r\n12c\r\n" + std::string(300, 'x') + "\r\n4000\r\n" +
            std::string(16 * 1024, 'y') + "\r\n0\r\nX-Sum: 7\r\n\r\n");
}

TEST_CASE("R27: a client of 1.0 gets chunked answers plain, until the close") {
  Inbound inbound;
  inbound.client.send("GET / HTTP/1.0\r\n\r\n");
  inbound.relay(kChunks, "hello");
  inbound.release();
  CHECK(tail_of(inbound.client.take_received()) == "hello");
  CHECK(inbound.closing() == Closing::kFinished);
}

TEST_CASE("R20: answers without a body keep their head and the connection") {
  struct Row {
    Method method;
    std::string head;
  };
  for (const Row& row :
       {Row{Method::kHead, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"},
        Row{Method::kHead, std::string(kChunks)}, Row{Method::kHead, std::string(kUntilClose)},
        Row{Method::kGet, "HTTP/1.1 204 No Content\r\n\r\n"},
        Row{Method::kGet, "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"}}) {
    CAPTURE(row.head);
    Inbound inbound;
    inbound.client.send((row.method == Method::kHead ? "HEAD" : "GET") +
                        std::string(" / HTTP/1.1\r\nHost: a\r\n\r\n"));
    inbound.relay(row.head, "", row.method);
    inbound.release();
    std::string answer = inbound.client.take_received();
    CHECK(tail_of(answer).empty());
    CHECK_FALSE(has(answer, "Transfer-Encoding"));
    CHECK(has(answer, "Content-Length: 5") == has(row.head, "Content-Length: 5"));
    CHECK(inbound.client.is_open());
  }
}

TEST_CASE("an own answer to HEAD has the length and no body") {
  Inbound inbound;
  inbound.client.send("HEAD /path HTTP/1.1\r\nHost: a\r\n\r\n");
  inbound.reply();
  std::string answer = inbound.client.take_received();
  CHECK(has(answer, "\r\nContent-Length: 5\r\n"));
  CHECK(tail_of(answer).empty());
  CHECK(inbound.client.is_open());
}

TEST_CASE("R26: own answers and relayed ones without a Date carry the second's") {
  Inbound inbound;
  inbound.client.send(get("/"));
  inbound.relay(kLength, "hello");
  inbound.release();
  CHECK(has(inbound.client.take_received(), "\r\nDate: Fri, 20 Nov 2026 07:25:33 GMT\r\n"));
  inbound.advance(2s);
  inbound.client.send(get("/"));
  inbound.reply();
  CHECK(has(inbound.client.take_received(), "\r\nDate: Fri, 20 Nov 2026 07:25:35 GMT\r\n"));
}

TEST_CASE("R23: informational answers pass in order, but not to 1.0") {
  for (std::string_view version : {"1.1", "1.0"}) {
    Inbound inbound;
    inbound.client.send("GET / HTTP/" + std::string(version) + "\r\nHost: a\r\n\r\n");
    inbound.send_head("HTTP/1.1 100 Continue\r\n\r\n");
    inbound.send_head("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n");
    CHECK_FALSE(inbound.connection->has_begun_response());
    inbound.relay(kLength, "hello");
    std::string answer = inbound.client.take_received();
    if (version == "1.1") {
      CHECK(answer.starts_with("HTTP/1.1 100 Continue\r\nVia: 1.1 weir\r\n\r\nHTTP/1.1 103 "));
      CHECK(answer.find("HTTP/1.1 103") < answer.find("HTTP/1.1 200"));
    } else {
      CHECK(answer.starts_with("HTTP/1.1 200 "));
    }
  }
}

TEST_CASE("R08: an answer of weir's own may end the connection") {
  Inbound inbound;
  inbound.client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /next HTTP/1.1\r\nHost: a\r\n\r\n");
  weir::http::LocalResponse response;
  response.keep_alive = false;
  inbound.connection->answer(response);
  inbound.release();
  CHECK(has(inbound.client.take_received(), "\r\nConnection: close\r\n"));
  CHECK(inbound.closing() == Closing::kFinished);
}

TEST_CASE("R29: an answer before the request is whole ends the connection") {
  Inbound inbound;
  inbound.client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab");
  SUBCASE("of weir's own: it is announced") {
    inbound.reply();
    CHECK(has(inbound.client.take_received(), "\r\nConnection: close\r\n"));
  }
  SUBCASE("relayed: the upload might still have come to its end") {
    inbound.relay(kLength, "hello");
    inbound.release();
  }
  CHECK(inbound.closing() == Closing::kFinished);
}

TEST_CASE(
    "a relayed answer that begins early keeps the connection when the upload is whole in time") {
  Inbound inbound;
  inbound.client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab");
  inbound.send_head(kLength);
  inbound.client.send("cde");
  inbound.connection->send_body("hello");
  inbound.connection->end_response({});
  inbound.connection->flush();
  inbound.release();
  CHECK(inbound.connection->state() == State::kIdle);
}

TEST_CASE("R24: an unfinished answer is cut so that the client can tell") {
  struct Row {
    std::string_view request_version, head;
    Closing closing;
  };
  // A length or chunks show the early end; only where the close is the end it needs the reset.
  for (const Row& row :
       {Row{"1.1", kLength, Closing::kFinished}, Row{"1.1", kChunks, Closing::kFinished},
        Row{"1.1", kUntilClose, Closing::kFinished}, Row{"1.0", kLength, Closing::kFinished},
        Row{"1.0", kChunks, Closing::kReset}, Row{"1.0", kUntilClose, Closing::kReset}}) {
    CAPTURE(row.request_version);
    CAPTURE(row.head);
    Inbound inbound;
    inbound.client.send("GET / HTTP/" + std::string(row.request_version) + "\r\nHost: a\r\n\r\n" +
                        get("/2"));
    inbound.send_head(row.head);
    inbound.connection->send_body("hel");
    inbound.connection->flush();
    inbound.connection->release_and_cut();
    inbound.scheduler.drain_retired();
    CHECK(inbound.closing() == row.closing);
    CHECK(inbound.closings == 1);
    std::string answer = inbound.client.take_received();
    CHECK_FALSE(has(answer, "0\r\n\r\n"));
    inbound.advance(0s);
    CHECK(inbound.requests.size() == 1);
  }
}

TEST_CASE("a release without an answer closes") {
  Inbound inbound;
  inbound.client.send(get("/") + get("/2"));
  inbound.release();
  CHECK(inbound.closing() == Closing::kFinished);
  CHECK(inbound.client.take_received().empty());
}

TEST_CASE("writing says when to pause, and when the client is gone") {
  Inbound inbound;
  inbound.client.set_window(0);
  inbound.client.send(get("/"));
  inbound.send_head("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
  CHECK(inbound.connection->flush() == WriteResult::kOk);
  std::size_t head = inbound.connection->queued_bytes();
  inbound.connection->send_body(std::string(weir::net::kHighMarkBytes - head - 1, 'x'));
  CHECK(inbound.connection->flush() == WriteResult::kOk);
  inbound.connection->send_body("x");
  CHECK(inbound.connection->flush() == WriteResult::kAboveMark);
  inbound.client.wire().is_broken = true;
  inbound.connection->send_body("x");
  CHECK(inbound.connection->flush() == WriteResult::kBroken);
  inbound.connection->send_body(std::string(20'000, 'x'));
  CHECK(inbound.connection->flush() == WriteResult::kBroken);
  inbound.release();
  CHECK(inbound.closing() == Closing::kDropped);
}

TEST_CASE("what is composed for one connection never reaches another") {
  Inbound inbound;
  inbound.client.send(get("/"));
  inbound.last().on_failure = [&] {
    InboundConnection& closed = *inbound.connection;
    closed.release_and_cut();
    closed.send_body("secret");
    CHECK(closed.flush() == WriteResult::kBroken);
    CHECK(closed.queued_bytes() == 0);
  };
  inbound.client.fail(weir::net::StreamError::kReset);
  CHECK(inbound.context.out.is_empty());
}

TEST_CASE("draining closes connections between requests, and only those") {
  Inbound idle;
  idle.client.send(get("/"));
  idle.reply();
  idle.connection->close_if_idle();
  idle.scheduler.drain_retired();
  CHECK(idle.closing() == Closing::kFinished);

  Inbound fresh;  // its first request may be on its way
  fresh.connection->close_if_idle();
  fresh.advance(1s - 1ms);
  CHECK(fresh.client.is_open());
  fresh.advance(1ms);
  CHECK(fresh.closing() == Closing::kDropped);

  Inbound head;
  head.client.send("GET");
  head.connection->close_if_idle();
  CHECK(head.client.is_open());

  Inbound busy;
  busy.client.send(get("/1") + get("/2"));
  busy.connection->close_if_idle();
  CHECK(busy.client.is_open());
  busy.reply();  // the next request is here already: it is answered
  busy.connection->close_if_idle();
  CHECK(busy.client.is_open());
  busy.is_draining = true;
  busy.advance(0s);
  CHECK(busy.last().target == "/2");
  busy.reply();
  CHECK(has(busy.client.take_received(), "\r\nConnection: close\r\n"));
  CHECK(busy.closing() == Closing::kFinished);
}

TEST_CASE("a tunnel passes bytes raw, early ones first") {
  Inbound inbound;
  inbound.client.send(get("/chat", "Connection: upgrade\r\nUpgrade: chat\r\n") + "early" +
                      std::string(17'000, 'e'));
  CHECK(inbound.client.wire().pause_reasons != 0);
  inbound.start_tunnel();
  CHECK(inbound.connection->state() == State::kTunnel);
  std::string answer = inbound.client.take_received();
  CHECK(answer.starts_with("HTTP/1.1 101 "));
  CHECK(has(answer, "\r\nUpgrade: chat\r\n"));
  CHECK(answer.ends_with("\r\n\r\n"));
  CHECK(inbound.connection->take_early_bytes().size() == 17'005);
  CHECK(inbound.connection->take_early_bytes().is_empty());
  CHECK(inbound.client.wire().pause_reasons == 0);

  inbound.client.send(get("/not-a-request"));
  CHECK(inbound.last().tunnel == get("/not-a-request"));
  CHECK(inbound.requests.size() == 1);
  CHECK(inbound.connection->write_tunnel("raw\r\n") == WriteResult::kOk);
  CHECK(inbound.client.take_received() == "raw\r\n");
  inbound.advance(24h);  // silence is the handler's affair
  CHECK(inbound.client.is_open());
  inbound.client.end();
  CHECK(inbound.last().tunnel_ends == 1);
  inbound.connection->end_tunnel_writing();
  CHECK(inbound.client.wire().has_ended_writing);
  inbound.release();
  CHECK(inbound.closing() == Closing::kFinished);
}

TEST_CASE("a tunnel's budget, pauses and failures") {
  Inbound inbound;
  inbound.client.send(get("/chat"));
  inbound.start_tunnel();
  inbound.last().budget = 10;
  CHECK(inbound.client.wire().observer->read_budget() == 10);
  inbound.connection->pause_body();
  inbound.client.send("waits");
  CHECK(inbound.last().tunnel.empty());
  inbound.advance(300s);
  inbound.connection->resume_body();
  inbound.client.deliver();
  CHECK(inbound.last().tunnel == "waits");
  CHECK(inbound.connection->is_timed());
  inbound.advance(300s);
  CHECK(inbound.last().failures.empty());

  SUBCASE("a client that stops reading") {
    inbound.client.take_received();
    inbound.client.set_window(0);
    CHECK(inbound.connection->write_tunnel(std::string(70'000, 'x')) == WriteResult::kAboveMark);
    CHECK(inbound.connection->is_timed());
    inbound.advance(30s);
    CHECK(inbound.last().failures == std::vector{Failure::client_write_timeout});
  }
  SUBCASE("a client that breaks off") {
    inbound.client.fail(weir::net::StreamError::kReset);
    CHECK(inbound.last().failures == std::vector{Failure::client_gone});
  }
  // A tunnel has no other visible cut.
  CHECK(inbound.closing() == Closing::kReset);
}

}  // namespace
