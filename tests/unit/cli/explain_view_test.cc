// Why a request goes where it goes, as text.
#include <doctest/doctest.h>

#include "src/cli/views.h"

namespace weir::cli {

TEST_CASE("cli: an explanation as text: the winner first, then the walk, the losers, the backends") {
  Json explanation = Json::parse(R"({"method": "GET", "scheme": "https", "host": "a.example",
    "path": "/api", "generation": 3, "outcome": "pool", "status": null, "why": "of this",
    "hosts": [{"host": "a.example", "result": "other_scheme"}, {"host": ".a.example", "result": "absent"},
              {"host": ".example", "result": "matched"}, {"host": "*", "result": "too_wide"}],
    "routes": [{"host": "a.example", "path": "", "scheme": "http", "pool": "web", "result": "other_scheme",
                "why": "only http"},
               {"host": ".example", "path": "/api", "scheme": null, "pool": "api", "result": "wins", "why": "it"},
               {"host": ".example", "path": "", "scheme": null, "pool": null, "quarantined": true,
                "result": "shorter_path", "why": "shorter"}],
    "routes_total": 5,
    "route": {"file": "a.map", "line": 3, "behind_it": [{"file": "b.map", "line": null}]},
    "pool": {"name": "api", "balance": "round_robin", "candidates": 1, "backends": [
      {"address": "10.0.0.1:80", "candidate": true, "state": "up", "why": null, "weight": 3, "backup": false,
       "in_flight": 1},
      {"address": "10.0.0.2:80", "candidate": false, "state": "drain", "why": "drain, set by alice",
       "weight": 1, "backup": true, "in_flight": 0}]}})");
  CHECK(explain_text(explanation, false) ==
        "GET https://a.example/api goes to pool api\n"
        "because of this\n"
        "the route stands at a.map:3\n"
        "  and keeps out the entry at b.map, which comes later\n"
        "hosts, in the order in which they are looked up:\n"
        "  a.example   has no route for this scheme: the walk goes on\n"
        "  .a.example  no route\n"
        "  .example    matches\n"
        "  *           not asked: a more specific one matched\n"
        "routes of these hosts:\n"
        "  a.example (http)  pool web     loses: only http\n"
        "  .example/api      pool api     wins: it\n"
        "  .example          quarantined  loses: shorter\n"
        "  … and 2 more routes that lose\n"
        "pool api: round_robin among 1 of 2 backends\n"
        "  10.0.0.1:80  candidate            weight 3, 1 request in flight\n"
        "  10.0.0.2:80  drain, set by alice  backup, 0 requests in flight\n");
  explanation["status"] = 404u;
  explanation["outcome"] = "no_route";
  explanation["pool"] = explanation["route"] = nullptr;
  CHECK(explain_text(explanation, false).starts_with("GET https://a.example/api: weir answers 404 no_route\n"));
  // A name of 127 labels has as many hosts: those without a route are shortened.
  explanation["hosts"] = Json::array();
  for (int i = 0; i < 20; ++i) explanation["hosts"].push_back({{"host", "h"}, {"result", "absent"}});
  CHECK(explain_text(explanation, false).find("  …  and 12 more: no route\n") != std::string::npos);
  // Whatever a stranger sends is survived, and steers no terminal.
  CHECK_FALSE(explain_text(Json::parse("[1]"), true).empty());
  CHECK(explain_text(Json::parse(R"({"host": "a\u001b[31m", "why": "b\u001b", "route": {"file": "c\u001b"}})"), false)
            .find('\x1b') == std::string::npos);
}

}  // namespace weir::cli
