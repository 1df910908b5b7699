// When a connection may carry another request, and what a backend cannot have read.
#include "outbound_fixture.h"
#include "stream_decorator.h"

namespace {

using namespace weir::wire;
using weir::http::Method;
using weir::net::StreamError;

TEST_CASE("R22: bytes behind a response make its connection useless") {
  for (std::string_view method : {"GET", "HEAD"}) {
    Outbound outbound;
    outbound.request(weir::http::method_of(method));
    outbound.backend.send(std::string(kOk) + (method == "GET" ? "H" : ""));
    CHECK(outbound.events.ends_with("200;" + std::string(method == "GET" ? "body;end;" : "end;")));
    CHECK_FALSE(outbound.connection->is_reusable());
  }
  Outbound later;
  later.request();
  later.backend.send(kOk);
  CHECK(later.connection->is_reusable());
  later.take_events();
  later.backend.send("H");
  CHECK(later.take_events() == "idle;");
}

TEST_CASE("a connection is used again only after a whole exchange") {
  Outbound outbound;
  SUBCASE("the request has not ended") {
    outbound.connection->start_request(Method::kPost, {});
    outbound.connection->send_raw("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nab");
    outbound.backend.send(kOk);
    CHECK(outbound.events == "200;body;end;");
  }
  SUBCASE("the request was not sent to its end") {
    outbound.backend.set_window(3);
    outbound.request();
    outbound.backend.send(kOk);
    CHECK(outbound.events == "200;body;end;");
  }
  SUBCASE("the response is not over") {
    outbound.request();
    outbound.backend.send(kOk.substr(0, kOk.size() - 1));
  }
  SUBCASE("the backend said close") {
    outbound.request();
    outbound.backend.send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    CHECK(outbound.events == "200;end;");
  }
  SUBCASE("nothing was asked yet") {}
  CHECK_FALSE(outbound.connection->is_reusable());
}

// DESIGN §6. The request is 18 bytes; `acknowledged` counts from the connection's beginning.
struct Unread {
  std::size_t taken;           // of the request, by the kernel
  std::uint64_t acknowledged;  // of these
  bool is_clean;               // an end of stream, not an error
  std::string_view response;   // that came before
  bool is_unread;
};
constexpr Unread kUnread[] = {
    {0, 0, true, "", true},     {0, 0, false, "", true},   {18, 0, true, "", true},
    {18, 0, false, "", false},  {18, 1, true, "", false},  {18, 18, true, "", false},
    {18, 18, false, "", false}, {5, 0, true, "", true},    {5, 0, false, "", false},
    {5, 5, true, "", false},    {18, 0, true, "H", false}, {0, 0, true, "H", false},
};

TEST_CASE("what a backend cannot have read, on fresh and on used connections") {
  for (const Unread& row : kUnread) {
    for (bool is_used : {false, true}) {
      CAPTURE(row.taken);
      CAPTURE(row.acknowledged);
      CAPTURE(row.is_clean);
      CAPTURE(is_used);
      Outbound outbound;
      if (is_used) {
        outbound.request();
        outbound.backend.send(kOk);
        REQUIRE(outbound.connection->is_reusable());
      }
      std::uint64_t before = outbound.backend.wire().sent_bytes;
      CHECK(before == (is_used ? 18 : 0));
      outbound.take_events();
      outbound.backend.set_window(row.taken);
      outbound.request();
      outbound.backend.wire().acknowledged_bytes = before + row.acknowledged;
      if (!row.response.empty()) outbound.backend.send(row.response);
      if (row.is_clean) {
        outbound.backend.end();
      } else {
        outbound.backend.fail(StreamError::kReset);
      }
      CHECK(outbound.events == "closed_before_response;");
      CHECK(outbound.failure.is_unread == row.is_unread);
      CHECK(outbound.failure.has_response_bytes == !row.response.empty());
    }
  }
}

TEST_CASE("acknowledgements of the request before that come late say nothing about this one") {
  Outbound outbound;
  outbound.request();
  outbound.backend.wire().acknowledged_bytes = 3;
  outbound.backend.send(kOk);
  outbound.request();
  outbound.backend.wire().acknowledged_bytes = 18;
  outbound.backend.end();
  CHECK(outbound.failure.is_unread);
}

// A Unix socket's stream: nobody knows what was acknowledged.
class Unacknowledged final : public weir::test::StreamDecorator {
 public:
  using StreamDecorator::StreamDecorator;
  std::optional<std::uint64_t> acknowledged_bytes() const override { return std::nullopt; }
};

TEST_CASE("without acknowledgements only what was never handed over is unread") {
  for (std::size_t window : {std::size_t{0}, std::size_t{18}}) {
    Outbound outbound;
    outbound.connection.reset();
    outbound.backend.wire().closing = weir::test::Closing::kOpen;
    outbound.connection = std::make_unique<OutboundConnection>(
        outbound.context, std::make_unique<Unacknowledged>(outbound.backend.stream()));
    outbound.connection->set_observer(&outbound);
    outbound.backend.set_window(window);
    outbound.request();
    outbound.backend.wire().observer->on_read_end();
    CHECK(outbound.events == "closed_before_response;");
    CHECK(outbound.failure.is_unread == (window == 0));
  }
}

TEST_CASE("R23: an answer before the end of the request, or in place of the 100, is the last one") {
  constexpr std::string_view kHead = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n";
  Outbound outbound;
  SUBCASE("before the end of the request") {
    outbound.connection->start_request(Method::kPost, {});
    outbound.backend.send(kHead);
    outbound.connection->end_request();
    outbound.backend.send("ok");
    CHECK_FALSE(outbound.connection->is_reusable());
  }
  SUBCASE("in place of the 100") {
    outbound.connection->start_request(Method::kPost, {}, true);
    outbound.connection->end_request();
    outbound.backend.send(std::string(kHead) + "ok");
    CHECK_FALSE(outbound.connection->is_reusable());
  }
  SUBCASE("behind the 100") {
    outbound.connection->start_request(Method::kPost, {}, true);
    outbound.backend.send("HTTP/1.1 100 Continue\r\n\r\n");
    outbound.connection->end_request();
    outbound.backend.send(std::string(kHead) + "ok");
    CHECK(outbound.connection->is_reusable());
  }
  CHECK(outbound.events.ends_with("200;body;end;"));
}

TEST_CASE("anything on an idle connection is an event, of whatever kind") {
  Outbound bytes, end, error;
  for (Outbound* outbound : {&bytes, &end, &error}) {
    outbound->request();
    outbound->backend.send(kOk);
    outbound->take_events();
  }
  bytes.backend.send("HTTP/1.1 408 Request Timeout\r\n\r\n");
  end.backend.end();
  error.backend.fail(StreamError::kReset);
  for (Outbound* outbound : {&bytes, &end, &error}) CHECK(outbound->events == "idle;");
}

}  // namespace
