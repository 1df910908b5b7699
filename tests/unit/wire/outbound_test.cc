// OutboundConnection: framing of responses, ends, reuse, what a backend cannot have read.
#include "weir/wire/outbound.h"

#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <string>

#include "tests/support/fake_clock.h"
#include "tests/support/fake_stream.h"

namespace {

using namespace weir::wire;
using weir::Failure;
using weir::http::Fields;
using weir::http::Method;
using weir::http::ResponseHead;
using weir::net::StreamError;

// Writes everything down as text: "103;200;hello;end;".
struct Outbound final : OutboundObserver {
  Outbound() { connection->set_observer(this); }

  void note(const std::string& text) {
    events += text + ";";
    if (detaches_at == text) connection->set_observer(nullptr);
  }
  void on_informational(const ResponseHead& head) override { note(std::to_string(head.status)); }
  void on_head(const ResponseHead& head) override {
    if (head.status == 101) connection->start_tunnel();
    note(std::to_string(head.status));
  }
  void on_body(std::string_view bytes) override {
    body += bytes;
    note("body");
  }
  void on_response_end(const Fields& trailers) override {
    for (const auto& field : trailers)
      events.append(field.name).append("=").append(field.value).append(";");
    note("end");
  }
  void on_failure(const OutboundFailure& what) override {
    failure = what;
    note(std::string(weir::row_of(what.failure).name));
  }
  void on_backend_progress(std::size_t queued) override {
    note("queued " + std::to_string(queued));
  }
  void on_response_read_done() override { ++reads; }
  std::size_t response_budget() const override { return budget; }
  void on_idle_event() override { note("idle"); }
  void on_backend_tunnel_bytes(std::string_view bytes) override {
    body += bytes;
    note("bytes");
  }
  void on_backend_tunnel_end() override { note("tunnel end"); }

  void request(Method method = Method::kGet, std::string_view text = "GET / HTTP/1.1\r\n\r\n") {
    connection->start_request(method, limits);
    connection->send_raw(text);
    connection->end_request();
  }
  std::string take_events() { return std::exchange(events, {}); }

  weir::test::FakeClock clock;
  weir::net::Scheduler scheduler{clock};
  Context context{scheduler};
  weir::test::FakePeer backend{scheduler};
  weir::http::HeadLimits limits;
  std::string events, body, detaches_at;
  OutboundFailure failure{Failure::internal, {}};
  std::size_t budget = weir::net::kHighMarkBytes;
  int reads = 0;
  std::unique_ptr<OutboundConnection> connection =
      std::make_unique<OutboundConnection>(context, backend.stream());
};

constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

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
class Unacknowledged final : public weir::net::Stream {
 public:
  explicit Unacknowledged(std::unique_ptr<weir::net::Stream> inner) : inner_(std::move(inner)) {}
  void set_observer(weir::net::StreamObserver* to) override { inner_->set_observer(to); }
  weir::net::WriteResult write(std::span<const std::string_view> slices) override {
    return inner_->write(slices);
  }
  std::size_t queued_bytes() const override { return inner_->queued_bytes(); }
  std::uint64_t sent_bytes() const override { return inner_->sent_bytes(); }
  std::optional<std::uint64_t> acknowledged_bytes() const override { return std::nullopt; }
  void end_writing() override { inner_->end_writing(); }
  void pause_reading(weir::net::PauseReason reason) override { inner_->pause_reading(reason); }
  void resume_reading(weir::net::PauseReason reason) override { inner_->resume_reading(reason); }
  bool is_reading_paused() const override { return inner_->is_reading_paused(); }

 private:
  void do_reset() override {}
  void do_finish() override {}
  std::unique_ptr<weir::net::Stream> inner_;
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
