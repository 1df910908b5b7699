// JSON to text.
#include "src/cli/views.h"

#include <doctest/doctest.h>

namespace weir::cli {

TEST_CASE("cli: columns are aligned, numbers to the right, without spaces at the end") {
  TextTable table(false);
  table.add_row({{"A"}, {"N", Colour::kNone, true}, {"LAST"}});
  table.add_row({{"long"}, {"100", Colour::kNone, true}, {""}});
  table.add_row({{"\xc3\xa9"}, {"7", Colour::kNone, true}, {"x"}});
  CHECK(table.take_text() == "A       N  LAST\nlong  100\n\xc3\xa9       7  x\n");
  table.add_row({{"b"}, {"1", Colour::kNone, true}, {"y"}});
  CHECK(table.take_text() == "b       1  y\n");
}

TEST_CASE("cli: colours stand around the text, and only when they are wanted") {
  CHECK(painted("up", Colour::kGood, true) == "\x1b[32mup\x1b[0m");
  CHECK(painted("up", Colour::kGood, false) == "up");
  CHECK(painted("", Colour::kBad, true).empty());
  // Nothing that is shown steers the terminal.
  CHECK(painted("a\x1b[31m\n", Colour::kNone, true) == "a?[31m?");
  TextTable table(true);
  table.add_row({{"up", Colour::kGood}, {"x"}});
  CHECK(table.take_text() == "\x1b[32mup\x1b[0m  x\n");
}

TEST_CASE("cli: spans of time in two units at most") {
  CHECK(span_text(0) == "0s");
  CHECK(span_text(59.9) == "59s");
  CHECK(span_text(61) == "1m 1s");
  CHECK(span_text(3600) == "1h 0m");
  CHECK(span_text(3 * 86400 + 5 * 3600 + 59) == "3d 5h");
  CHECK(span_text(-1) == "0s");
}

TEST_CASE("cli: the status as text") {
  Json status = Json::parse(R"({
    "version": "0.1.0", "name": "edge-1", "uptime_seconds": 61.2, "state": "draining",
    "drain": {"by": "alice", "since": "2026-11-20T06:25:33.123Z", "final": false},
    "generation": 7, "hash": "00ab", "listeners": [{"name": "public", "address": "[::]:80"}],
    "totals": {"requests": 1, "requests_in_flight": 2, "connections_open": 3, "failures": 0},
    "routes": 5, "pools": 1, "backends": 2, "workers": 4,
    "config": {"file": "weir.toml", "last_reload":
      {"at": "2026-11-20T06:25:33.123Z", "result": "success", "message": "+1 host"}}})");
  CHECK(status_text(status, false) ==
        "edge-1: draining, weir 0.1.0, up 1m 1s\n"
        "draining   since 2026-11-20T06:25:33Z, by alice\n"
        "listeners  public [::]:80\n"
        "table      5 routes, 1 pool, 2 backends; generation 7, hash 00ab\n"
        "config     weir.toml; last reload 2026-11-20T06:25:33Z: success, +1 host\n"
        "now        2 requests in flight, 3 connections\n"
        "so far     1 request, 0 failures\n"
        "workers    4\n");
  status["config"]["last_change"] = {{"at", "2026-11-20T06:20:33.123Z"},
                                     {"result", "success"},
                                     {"message", "+1 host"},
                                     {"cause", "file change"}};
  status["config"]["last_reload"]["message"] = "no change";
  status["pending_restart"] =
      Json::parse(R"([{"key": "[listener.public] bind", "change": "was :80, is :81"},
                      {"key": "[server] workers", "change": "was 1, is 2"}])");
  CHECK(status_text(status, false)
            .find("config     weir.toml; last reload 2026-11-20T06:25:33Z: success, no change\n"
                  "changed    2026-11-20T06:20:33Z, file change: +1 host\n"
                  "pending    restart needed for [listener.public] bind, [server] workers\n") !=
        std::string::npos);
  // Whatever a stranger sends is survived.
  CHECK_FALSE(status_text(Json::parse("[1, 2]"), false).empty());
  CHECK_FALSE(status_text(Json::parse(R"({"totals": "x", "listeners": 3})"), false).empty());
}

TEST_CASE("cli: pools and their backends as text") {
  Json pools = Json::parse(R"({"pools": [
    {"name": "web", "state": "degraded", "usable": 1, "in_flight": 12, "backends": [{}, {}]},
    {"name": "none", "state": "empty", "usable": 0, "in_flight": 0, "backends": []},
    {"name": "api", "state": "down", "usable": 0, "in_flight": 0, "backends": [{}]}]})");
  CHECK(pools_text(pools, false) ==
        "POOL  STATE     USABLE  BACKENDS  IN FLIGHT\n"
        "web   degraded       1         2         12\n"
        "none  empty          0         0          0\n"
        "api   down           0         1          0\n");
  Json pool = Json::parse(R"({"name": "web", "backends": [
    {"address": "10.0.0.1:80", "state": "down", "in_flight": 3, "weight": 1, "backup": false,
     "since": "2026-11-20T06:25:33.123Z", "why": "connection refused",
     "checks": [{"reason": "connection refused", "latency_seconds": 0.0015}]},
    {"address": "10.0.0.2:80", "state": "unchecked", "in_flight": 0, "weight": 2, "backup": true,
     "since": null, "why": null, "checks": []}]})");
  CHECK(pool_text(pool, false) ==
        "BACKEND      STATE      IN FLIGHT    WEIGHT  SINCE                 WHY                 "
        "LAST CHECK\n"
        "10.0.0.1:80  down               3         1  2026-11-20T06:25:33Z  connection refused  "
        "connection refused, 1.5 ms\n"
        "10.0.0.2:80  unchecked          0  2 backup\n");
}

}  // namespace weir::cli
