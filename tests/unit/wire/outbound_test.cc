// Responses: framing, informational ones, ends, protocol switches.
#include "outbound_fixture.h"

namespace {

using namespace weir::wire;
using weir::http::Method;
using weir::net::StreamError;

TEST_CASE("R20: a response may be cut at any byte") {
  struct Row {
    std::string text, events, body;
    bool ends_stream, is_reusable;
  };
  const Row rows[] = {
      {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </>\r\n\r\n" +
           std::string(kOk),
       "100;103;200;end;", "hello", false, true},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n3;x=y\r\n, w\r\n0\r\n"
       "X-Sum: 7\r\n\r\n",
       "200;X-Sum=7;end;", "hello, w", false, true},
      {"HTTP/1.1 200 OK\r\n\r\nhello", "200;end;", "hello", true, false},
      {"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", "200;end;", "hello", false, false},
      {"HTTP/1.1 204 No Content\r\n\r\n", "204;end;", "", false, true},
  };
  for (const Row& row : rows) {
    for (std::size_t at = 1; at < row.text.size(); ++at) {
      CAPTURE(row.text);
      CAPTURE(at);
      Outbound outbound;
      outbound.request();
      outbound.backend.send(row.text.substr(0, at));
      outbound.backend.send(row.text.substr(at));
      if (row.ends_stream) outbound.backend.end();
      std::string events = outbound.take_events();
      for (std::size_t body = events.find("body;"); body != std::string::npos;
           body = events.find("body;"))
        events.erase(body, 5);
      CHECK(events == row.events);
      CHECK(outbound.body == row.body);
      CHECK(outbound.connection->is_reusable() == row.is_reusable);
    }
  }
}

TEST_CASE("R23: sixteen informational responses are enough") {
  Outbound outbound;
  outbound.request();
  for (int i = 0; i < 16; ++i) outbound.backend.send("HTTP/1.1 103 Early Hints\r\n\r\n");
  outbound.take_events();
  SUBCASE("then the final one") {
    outbound.backend.send(kOk);
    CHECK(outbound.take_events() == "200;body;end;");
  }
  SUBCASE("one more is a bad response") {
    outbound.backend.send("HTTP/1.1 103 Early Hints\r\n\r\n" + std::string(kOk));
    CHECK(outbound.take_events() == "bad_response;");
    CHECK(outbound.failure.has_response_bytes);
    CHECK_FALSE(outbound.failure.is_unread);
  }
  SUBCASE("each request counts its own") {
    outbound.backend.send(kOk);
    outbound.request();
    outbound.backend.send("HTTP/1.1 103 Early Hints\r\n\r\n" + std::string(kOk));
    CHECK(outbound.take_events() == "200;body;end;103;200;body;end;");
  }
}

TEST_CASE("R21: a head that makes no sense is a bad response") {
  for (const std::string& text :
       {std::string("HTTP/2.0 200 OK\r\n\r\n"), std::string("SSH-2.0-OpenSSH\r\n"),
        std::string("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"),
        std::string("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"),
        "HTTP/1.1 200 OK\r\nX: " + std::string(40'000, 'x')}) {
    Outbound outbound;
    outbound.request();
    outbound.backend.send(text);
    CHECK(outbound.take_events() == "bad_response;");
    outbound.backend.send(kOk);
    outbound.backend.end();
    CHECK(outbound.take_events().empty());
    CHECK_FALSE(outbound.connection->is_reusable());
  }
}

TEST_CASE("R21: broken chunks cut a response that has begun") {
  Outbound outbound;
  outbound.request();
  outbound.backend.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nokXX");
  CHECK(outbound.take_events() == "200;body;response_cut;");
  outbound.backend.end();
  CHECK(outbound.take_events().empty());
}

TEST_CASE("R24: only an orderly end ends a body that goes on until the close") {
  Outbound ended;
  ended.request();
  ended.backend.send("HTTP/1.1 200 OK\r\n\r\nhello");
  ended.backend.end();
  CHECK(ended.events == "200;body;end;");

  Outbound broken;
  broken.request();
  broken.backend.send("HTTP/1.1 200 OK\r\n\r\nhello");
  broken.backend.fail(StreamError::kReset);
  CHECK(broken.events == "200;body;response_cut;");
}

TEST_CASE("R24: a body with a length or chunks is cut by any end") {
  for (std::string_view text :
       {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n"}) {
    for (bool is_clean : {true, false}) {
      Outbound outbound;
      outbound.request();
      outbound.backend.send(text);
      if (is_clean) {
        outbound.backend.end();
      } else {
        outbound.backend.fail(StreamError::kTimedOut);
      }
      CHECK(outbound.events == "200;body;response_cut;");
      CHECK(outbound.failure.has_response_bytes);
      CHECK_FALSE(outbound.connection->is_reusable());
    }
  }
}

TEST_CASE("an observer that lets go inside a callback hears nothing more") {
  const std::string all =
      "HTTP/1.1 103 Early Hints\r\n\r\n"
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
      "1\r\n!\r\n0\r\n\r\nextra";
  for (std::string_view at : {"103", "200", "body", "end"}) {
    CAPTURE(at);
    Outbound outbound;
    outbound.detaches_at = at;
    outbound.request();
    outbound.backend.send(all);
    CHECK(outbound.take_events().ends_with(std::string(at) + ";"));
    CHECK(outbound.reads == 0);
    outbound.backend.send("more");
    outbound.backend.end();
    CHECK(outbound.take_events().empty());
  }
}

TEST_CASE("a protocol switch passes bytes raw, early ones first") {
  constexpr std::string_view kSwitch =
      "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: chat\r\n\r\n";
  Outbound outbound;
  outbound.request();
  outbound.backend.send(std::string(kSwitch) + "early");
  CHECK(outbound.take_events() == "101;bytes;");
  outbound.backend.send(kOk);
  CHECK(outbound.body == "early" + std::string(kOk));
  outbound.backend.take_received();
  CHECK(outbound.connection->write_tunnel("raw") == weir::net::WriteResult::kOk);
  CHECK(outbound.backend.take_received() == "raw");
  outbound.connection->end_tunnel_writing();
  CHECK(outbound.backend.wire().has_ended_writing);
  outbound.take_events();
  outbound.backend.end();
  CHECK(outbound.take_events() == "tunnel end;");
  CHECK_FALSE(outbound.connection->is_reusable());

  Outbound broken;
  broken.request();
  broken.backend.send(kSwitch);
  broken.backend.fail(StreamError::kReset);
  CHECK(broken.events == "101;response_cut;");
}

TEST_CASE("reading pauses, obeys its budget, and writing tells its progress") {
  Outbound outbound;
  outbound.budget = 7;
  outbound.backend.set_window(4);
  outbound.request();
  CHECK(outbound.connection->queued_bytes() == 14);
  outbound.backend.take(10);
  CHECK(outbound.take_events() == "queued 4;");
  outbound.connection->pause_reading();
  CHECK(outbound.connection->is_reading_paused());
  outbound.backend.send(kOk);
  CHECK(outbound.events.empty());
  CHECK_FALSE(outbound.connection->has_response_bytes());
  outbound.connection->resume_reading();
  outbound.backend.deliver();
  CHECK(outbound.reads >= 5);
  CHECK(outbound.body == "hello");
}

}  // namespace
