#pragma once
// One InboundConnection on a stream in memory; its owner and handlers write down what they hear and
// do what a test tells them.
#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/fake_clock.h"
#include "tests/support/fake_stream.h"
#include "weir/http/forward.h"
#include "weir/http/parser.h"
#include "weir/wire/inbound.h"

namespace weir::wire {

struct Request final : RequestHandler {
  explicit Request(InboundConnection& its_connection) : connection(its_connection) {}
  void on_request_body(std::string_view bytes) override {
    body += bytes;
    if (on_body) on_body();
  }
  void on_request_end(const http::Fields& fields) override {
    CHECK_FALSE(is_complete);
    is_complete = true;
    for (const http::Field& field : fields)
      trailers.append(field.name).append("=").append(field.value).append(";");
  }
  void on_request_read_done() override {
    ++reads;
    if (on_read_done) on_read_done();
  }
  void on_client_failure(Failure failure, std::string_view) override {
    CHECK(failures.empty());
    failures.push_back(failure);
    if (on_failure) {
      on_failure();
    } else {
      connection.release_and_cut();
    }
  }
  void on_client_progress(std::size_t queued) override { progress.push_back(queued); }
  std::size_t request_body_budget() const override { return budget; }
  void on_tunnel_bytes(std::string_view bytes) override { tunnel += bytes; }
  void on_tunnel_end() override { ++tunnel_ends; }

  InboundConnection& connection;
  std::string method, target, body, trailers, tunnel;
  bool is_complete = false;
  int reads = 0;
  int tunnel_ends = 0;
  std::size_t budget = net::kHighMarkBytes;
  std::vector<Failure> failures;
  std::vector<std::size_t> progress;
  std::function<void()> on_body, on_read_done, on_failure;
};

struct Inbound final : InboundOwner {
  Inbound()
      : connection(std::make_unique<InboundConnection>(context, *this, client.stream(),
                                                       IpAddress::v4(0xc0000201, 4711), 3)) {}

  // A response of a backend's: the head as text, the body decoded and in one piece.
  void send_head(std::string_view text, http::Method method = http::Method::kGet) {
    http::HeadProgress progress;
    http::HeadResult result =
        http::parse_response_head(text, {}, progress, method, context.response_head);
    REQUIRE(result.status == http::HeadStatus::kComplete);
    http::ResponseForwarding how;
    how.server_name = "weir";
    if (context.response_head.is_informational()) {
      connection->send_informational(context.response_head, how);
    } else {
      connection->send_head(context.response_head, how);
    }
  }
  void start_tunnel() {
    http::HeadProgress progress;
    constexpr std::string_view kText =
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: chat\r\n\r\n";
    http::parse_response_head(kText, {}, progress, http::Method::kGet, context.response_head);
    http::ResponseForwarding how;
    how.server_name = "weir";
    how.upgrade = "chat";
    connection->start_tunnel(context.response_head, how);
    connection->flush();
  }
  void relay(std::string_view head, std::string_view body,
             http::Method method = http::Method::kGet) {
    send_head(head, method);
    connection->send_body(body);
    connection->end_response(http::Fields());
    connection->flush();
  }
  // Answers the present request with its target as the body, and lets go.
  void reply() {
    std::string body = last().target;
    http::LocalResponse response;
    response.content_type = "text/plain";
    response.body = body;
    connection->answer(response);
    release();
  }
  void release() {
    connection->release();
    scheduler.drain_retired();
  }
  void advance(Duration by) {
    clock.advance(scheduler, by);
    client.deliver();
  }
  Request& last() {
    REQUIRE_FALSE(requests.empty());
    return *requests.back();
  }
  bool is_closed() const { return connection == nullptr; }
  test::Closing closing() { return client.wire().closing; }

  test::FakeClock clock;
  net::Scheduler scheduler{clock};
  Context context{scheduler};
  test::FakePeer client{scheduler};
  InboundSettings settings;
  bool is_draining = false;
  bool answers_refusals = true;
  std::function<void(Request&)> on_new_request;
  std::vector<std::unique_ptr<Request>> requests;
  std::vector<Failure> refusals;
  int closings = 0;
  std::unique_ptr<InboundConnection> connection;

 private:
  const InboundSettings& inbound_settings() const override { return settings; }
  bool wants_close(const InboundConnection&) const override { return is_draining; }
  void on_request(InboundConnection& on, const http::RequestHead& head) override {
    requests.push_back(std::make_unique<Request>(on));
    Request& request = *requests.back();
    request.method = head.method_text;
    request.target = head.target;
    on.attach(request);
    if (on_new_request) on_new_request(request);
  }
  void on_refused(InboundConnection& on, Failure failure, std::string_view) override {
    refusals.push_back(failure);
    if (!answers_refusals) return;
    http::LocalResponse response;
    response.status = row_of(failure).status;
    on.answer_refused(response);
  }
  void on_closed(InboundConnection& on) override {
    CHECK(&on == connection.get());
    ++closings;
    scheduler.retire(std::move(connection));
  }
};

inline constexpr std::string_view kHost = "Host: a\r\n";

inline std::string get(std::string_view target, std::string_view fields = "") {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "\r\n";
}
inline std::string post(std::string_view target, std::string_view body) {
  return "POST " + std::string(target) +
         " HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         std::string(body);
}
inline bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}
inline std::size_t count(std::string_view text, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1))
    ++found;
  return found;
}

}  // namespace weir::wire
