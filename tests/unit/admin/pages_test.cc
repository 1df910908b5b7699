#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "admin_fixture.h"

namespace {

using namespace std::chrono_literals;
using weir::admin::Admin;
using weir::admin::body_of;
using weir::admin::has;
using weir::admin::ServiceState;
using weir::admin::Status;
using weir::admin::status_of;

std::string error_of(const std::string& answer) {
  CHECK(has(answer, "Content-Type: application/json"));
  auto json = nlohmann::json::parse(body_of(answer));
  CHECK(json.size() == 2);
  CHECK_FALSE(json.at("message").get<std::string>().empty());
  return json.at("error").get<std::string>();
}

TEST_CASE("healthz answers whenever the process runs") {
  Admin admin;
  for (ServiceState state :
       {ServiceState::kStarting, ServiceState::kReady, ServiceState::kDraining}) {
    admin.source.now = state;
    std::string answer = admin.get("/healthz");
    CHECK(status_of(answer) == 200);
    CHECK(body_of(answer) == "ok\n");
    CHECK(has(answer, "Cache-Control: no-store"));
    CHECK(has(answer, "Content-Length: 3"));
    CHECK(has(answer, "Date: Fri, 20 Nov 2026 07:25:33 GMT"));
  }
}

TEST_CASE("readyz follows the state") {
  Admin admin;
  CHECK(status_of(admin.get("/readyz")) == 200);
  CHECK(body_of(admin.get("/readyz")) == "ready\n");
  admin.source.now = ServiceState::kStarting;
  CHECK(status_of(admin.get("/readyz")) == 503);
  CHECK(body_of(admin.get("/readyz")) == "starting\n");
  admin.source.now = ServiceState::kDraining;
  CHECK(status_of(admin.get("/readyz")) == 503);
  CHECK(body_of(admin.get("/readyz?verbose=1")) == "draining\n");
}

TEST_CASE("metrics are the source's text") {
  Admin admin;
  std::string answer = admin.get("/metrics");
  CHECK(status_of(answer) == 200);
  CHECK(has(answer, "Content-Type: text/plain; version=0.0.4; charset=utf-8"));
  CHECK(body_of(answer) == admin.source.text);
}

TEST_CASE("HEAD gets the same head and no body") {
  Admin admin;
  std::string answer = admin.ask("HEAD /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
  CHECK(status_of(answer) == 200);
  CHECK(has(answer, "Content-Length: " + std::to_string(admin.source.text.size())));
  CHECK(body_of(answer).empty());
}

TEST_CASE("api/status") {
  Admin admin;
  Status& status = admin.source.shown;
  status.version = "0.1.0";
  status.name = "edge-\"1\"";
  status.uptime = 61234567us;
  status.generation = 7;
  status.hash = 0x00ab'cdef'0123'4567;
  status.listeners = {{"public", "127.0.0.1:8080"}, {"public", "[::1]:8080"}};
  status.requests = 1;
  status.requests_in_flight = 2;
  status.connections_open = 3;
  status.failures = 4;
  status.routes = 5;
  status.pools = 6;
  status.backends = 7;
  status.workers = 8;
  std::string answer = admin.get("/api/status");
  CHECK(status_of(answer) == 200);
  CHECK(has(answer, "Content-Type: application/json"));
  auto expected = nlohmann::json::parse(R"({
    "version": "0.1.0", "name": "edge-\"1\"", "uptime_seconds": 61.234, "state": "ready", "drain": null,
    "generation": 7, "hash": "00abcdef01234567",
    "listeners": [{"name": "public", "address": "127.0.0.1:8080"},
                  {"name": "public", "address": "[::1]:8080"}],
    "totals": {"requests": 1, "requests_in_flight": 2, "connections_open": 3, "failures": 4},
    "routes": 5, "pools": 6, "backends": 7, "removed_backends_in_flight": 0, "workers": 8,
    "config": {"file": null, "last_reload": null, "last_change": null}, "pending_restart": [],
    "quarantine": {"total": 0, "entries": []},
    "stale": {"total": 0, "hosts": 0, "backends": 0, "summary": null, "files": []}})");
  CHECK(nlohmann::json::parse(body_of(answer)) == expected);

  status.hash = 0xffff'ffff'ffff'ffff;
  status.config_file = "/etc/weir/\xff.toml";  // not UTF-8: shown, not fatal
  status.last_reload = {weir::WallTime(1795155933123ms), weir::observe::ReloadResult::kFailure,
                        "weir.toml:3:1: unknown key", "HUP"};
  status.pending_restart = {{"[server] workers", "was 1, is 2"}};
  auto json = nlohmann::json::parse(body_of(admin.get("/api/status")));
  CHECK(json["hash"] == "ffffffffffffffff");
  CHECK(json["config"]["file"] == "/etc/weir/\xef\xbf\xbd.toml");
  CHECK(json["config"]["last_reload"] == nlohmann::json{{"at", "2026-11-20T06:25:33.123Z"},
                                                        {"result", "failure"},
                                                        {"message", "weir.toml:3:1: unknown key"},
                                                        {"cause", "HUP"}});
  CHECK(json["pending_restart"][0] ==
        nlohmann::json{{"key", "[server] workers"}, {"change", "was 1, is 2"}});
}

TEST_CASE("other paths and methods are refused in JSON") {
  Admin admin;
  for (std::string path : {"/", "/healthz/", "/HEALTHZ", "/api", "/metrics/x"}) {
    std::string answer = admin.get(path);
    CHECK(status_of(answer) == 404);
    CHECK(error_of(answer) == "not_found");
    CHECK(has(answer, "Cache-Control: no-store"));
  }
  for (std::string method : {"POST", "DELETE", "OPTIONS", "get", "PURGE"}) {
    std::string answer = admin.ask(method + " /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    CHECK(status_of(answer) == 405);
    CHECK(has(answer, "Allow: GET, HEAD"));
    CHECK(error_of(answer) == "method_not_allowed");
  }
}

TEST_CASE("only IP addresses and localhost are hosts here") {
  Admin admin;
  for (std::string host : {"localhost", "LOCALHOST:8042", "127.0.0.1", "10.1.2.3:8042", "[::1]",
                           "[2001:db8::1]:8042", "localhost."}) {
    CAPTURE(host);
    CHECK(status_of(admin.get("/healthz", "Host: " + host + "\r\n")) == 200);
  }
  for (std::string host : {"evil.example", "localhost.evil.example", "127.0.0.1.evil.example",
                           "evil.localhost", "127.1", "2130706433"}) {
    CAPTURE(host);
    std::string answer = admin.get("/healthz", "Host: " + host + "\r\n");
    CHECK(status_of(answer) == 403);
    CHECK(error_of(answer) == "foreign_host");
  }
  CHECK(status_of(admin.ask(
            "GET http://evil.example/healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")) == 403);
  CHECK(status_of(admin.ask("GET /healthz HTTP/1.0\r\n\r\n")) == 200);
}

TEST_CASE("only pages of the admin interface itself may be an Origin") {
  Admin admin;
  auto with_origin = [&](const std::string& origin) {
    return admin.get("/healthz", "Host: localhost:8042\r\nOrigin: " + origin + "\r\n");
  };
  for (std::string origin :
       {"http://localhost:8042", "https://localhost:8042", "HTTP://LOCALHOST:8042"}) {
    CHECK(status_of(with_origin(origin)) == 200);
  }
  for (std::string origin :
       {"http://evil.example", "null", "http://localhost:8043", "http://localhost",
        "localhost:8042", "ftp://localhost:8042", "http://localhost:8042.evil.example", "http://",
        "http://localhost:8042\r\nOrigin: http://evil.example"}) {
    CAPTURE(origin);
    std::string answer = with_origin(origin);
    CHECK(status_of(answer) == 403);
    CHECK(error_of(answer) == "foreign_origin");
  }
  CHECK(status_of(admin.ask("GET /healthz HTTP/1.0\r\nOrigin: http://evil.example\r\n\r\n")) ==
        403);
}

}  // namespace
