#pragma once
// One OutboundConnection on a stream in memory, and an observer that writes everything down.
#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "tests/support/fake_clock.h"
#include "tests/support/fake_stream.h"
#include "weir/wire/outbound.h"

namespace weir::wire {

// Writes everything down as text: "103;200;hello;end;".
struct Outbound final : OutboundObserver {
  Outbound() { connection->set_observer(this); }

  void note(const std::string& text) {
    events += text + ";";
    if (detaches_at == text) connection->set_observer(nullptr);
  }
  void on_informational(const http::ResponseHead& head) override {
    note(std::to_string(head.status));
  }
  void on_head(const http::ResponseHead& head) override {
    if (head.status == 101) connection->start_tunnel();
    note(std::to_string(head.status));
  }
  void on_body(std::string_view bytes) override {
    body += bytes;
    note("body");
  }
  void on_response_end(const http::Fields& trailers) override {
    for (const auto& field : trailers)
      events.append(field.name).append("=").append(field.value).append(";");
    note("end");
  }
  void on_failure(const OutboundFailure& what) override {
    failure = what;
    note(std::string(row_of(what.failure).name));
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

  void request(http::Method method = http::Method::kGet,
               std::string_view text = "GET / HTTP/1.1\r\n\r\n") {
    connection->start_request(method, limits);
    connection->send_raw(text);
    connection->end_request();
  }
  std::string take_events() { return std::exchange(events, {}); }

  test::FakeClock clock;
  net::Scheduler scheduler{clock};
  Context context{scheduler};
  test::FakePeer backend{scheduler};
  http::HeadLimits limits;
  std::string events, body, detaches_at;
  OutboundFailure failure{Failure::internal, {}};
  std::size_t budget = net::kHighMarkBytes;
  int reads = 0;
  std::unique_ptr<OutboundConnection> connection =
      std::make_unique<OutboundConnection>(context, backend.stream());
};

inline constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

}  // namespace weir::wire
