#pragma once
// An AdminServer on streams in memory, with a source that shows what a test sets.
#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "tests/support/fake_clock.h"
#include "tests/support/fake_stream.h"
#include "weir/admin/admin_server.h"

namespace weir::admin {

struct FakeSource final : AdminSource {
  ServiceState state() const override { return now; }
  Status status() const override { return shown; }
  std::string metrics() const override { return text; }
  ServiceState now = ServiceState::kReady;
  Status shown;
  std::string text = "# HELP weir_ready Whether weir is in service.\nweir_ready 1\n";
};

struct Admin {
  test::FakeClock clock;
  net::Scheduler scheduler{clock};
  wire::Context context{scheduler};
  FakeSource source;
  std::optional<AdminServer> server{std::in_place, context, source, wire::InboundSettings{}};

  std::unique_ptr<test::FakePeer> connect() {
    auto peer = std::make_unique<test::FakePeer>(scheduler);
    server->accept(peer->stream(), IpAddress::v4(0x7f000001, 4711));
    return peer;
  }
  // What one request on a connection of its own is answered.
  std::string ask(std::string_view request) {
    auto peer = connect();
    peer->send(request);
    return peer->take_received();
  }
  std::string get(std::string_view path, std::string_view fields = "Host: 127.0.0.1:8042\r\n") {
    return ask("GET " + std::string(path) + " HTTP/1.1\r\n" + std::string(fields) + "\r\n");
  }
};

inline int status_of(std::string_view answer) {
  REQUIRE(answer.starts_with("HTTP/1.1 "));
  return std::stoi(std::string(answer.substr(9, 3)));
}

inline std::string body_of(const std::string& answer) {
  return answer.substr(answer.find("\r\n\r\n") + 4);
}

inline bool has(const std::string& answer, const std::string& field) {
  return answer.substr(0, answer.find("\r\n\r\n") + 2).find("\r\n" + field + "\r\n") !=
         std::string::npos;
}

}  // namespace weir::admin
