// The pages below /api: what they ask of the source and what they make of its answers.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "admin_fixture.h"
#include "tests/support/pool_settings.h"

namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using weir::Err;
using weir::IpAddress;
using weir::Ok;
using weir::WallTime;
using weir::admin::Admin;
using weir::admin::body_of;
using weir::admin::has;
using weir::admin::Refusal;
using weir::admin::ReloadReport;
using weir::admin::RequestsView;
using weir::admin::ServiceState;
using weir::admin::status_of;
using weir::backend::AdminState;
using weir::backend::BackendView;
using weir::backend::Health;

json json_of(const std::string& answer) {
  CHECK(has(answer, "Content-Type: application/json"));
  return json::parse(body_of(answer));
}

BackendView at(std::string address) {
  BackendView backend;
  backend.address = std::move(address);
  return backend;
}

TEST_CASE("a pool's page: one state, who and why, the last checks") {
  Admin admin;
  BackendView down = at("10.0.0.6:9004");
  down.health = Health::kDown;
  down.health_since = WallTime(1795155933123ms);
  down.health_reason = "connection refused";
  down.is_usable = false;
  down.in_flight = 3;
  down.checks = {{WallTime(1795155933123ms), false, 0, 1500us, "connection refused"},
                 {WallTime(1795155928000ms), true, 204, 2ms, "204"}};
  BackendView drained = at("unix:/run/app.sock");
  drained.health = Health::kUp;
  drained.admin = AdminState::kDrain;
  drained.admin_by = "alice";
  drained.admin_since = WallTime(1795155933123ms);
  drained.is_usable = false;
  drained.weight = 3;
  drained.is_backup = true;
  admin.source.pool_views = {{"web", {down, drained}, 0, "down"}};
  json pool = json_of(admin.get("/api/pools/web"));
  CHECK(pool["name"] == "web");
  CHECK(pool["state"] == "down");
  CHECK(pool["usable"] == 0);
  CHECK(pool["in_flight"] == 3);
  json first = pool["backends"][0];
  CHECK(first["address"] == "10.0.0.6:9004");
  CHECK(first["state"] == "down");
  CHECK(first["why"] == "connection refused");
  CHECK(first["since"] == "2026-11-20T06:25:33.123Z");
  CHECK(first["usable"] == false);
  CHECK(first["in_flight"] == 3);
  CHECK(first["admin"] == json{{"state", "ready"}, {"by", nullptr}, {"since", nullptr}});
  CHECK(first["checks"][0] == json{{"at", "2026-11-20T06:25:33.123Z"},
                                   {"success", false},
                                   {"status", nullptr},
                                   {"latency_seconds", 0.0015},
                                   {"reason", "connection refused"}});
  CHECK(first["checks"][1]["status"] == 204);
  json second = pool["backends"][1];
  CHECK(second["state"] == "drain");
  CHECK(second["why"] == "set by alice");
  CHECK(second["admin"]["by"] == "alice");
  CHECK(second["health"]["state"] == "up");
  CHECK(second["weight"] == 3);
  CHECK(second["backup"] == true);

  std::string unknown = admin.get("/api/pools/wbe");
  CHECK(status_of(unknown) == 404);
  CHECK(json_of(unknown)["error"] == "unknown_pool");
}

TEST_CASE("all pools, without checks; those of one backend or machine") {
  Admin admin;
  BackendView checked = at("10.0.0.6:9004");
  checked.checks.resize(1);
  admin.source.pool_views = {{"a", {checked, at("10.0.0.7:1")}, 2},
                             {"b", {at("10.0.0.6:80"), at("unix:/x"), at("[::1]:80")}, 3},
                             {"c", {}, 0}};
  json all = json_of(admin.get("/api/pools"));
  REQUIRE(all["pools"].size() == 3);
  CHECK_FALSE(all["pools"][0]["backends"][0].contains("checks"));
  auto names = [&](const std::string& address) {
    std::string found;
    json pools = json_of(admin.get("/api/pools?address=" + address))["pools"];
    for (const json& pool : pools)
      for (const json& backend : pool["backends"])
        found +=
            pool["name"].get<std::string>() + " " + backend["address"].get<std::string>() + ",";
    return found;
  };
  CHECK(names("10.0.0.6:9004") == "a 10.0.0.6:9004,");
  CHECK(names("10.0.0.6") == "a 10.0.0.6:9004,b 10.0.0.6:80,");
  CHECK(names("unix%3A%2Fx") == "b unix:/x,");
  CHECK(names("%5B%3A%3A1%5D") == "b [::1]:80,");
  CHECK(names("10.0.0.8").empty());
}

TEST_CASE("whatever stands in a name or a reason, the JSON is JSON") {
  Admin admin;
  BackendView odd = at("unix:/run/\"a\\b\"\x01\xc3\xa9\xff.sock");
  odd.health_reason = "body without \"ok\"\n";
  odd.checks.resize(2);
  admin.source.pool_views = {{"a", {odd, odd}, 1}, {"b", {}, 0}};
  json pool = json_of(admin.get("/api/pools/a"));
  CHECK(pool["backends"][1]["address"] == "unix:/run/\"a\\b\"\x01\xc3\xa9\xef\xbf\xbd.sock");
  CHECK(pool["backends"][0]["why"] == "body without \"ok\"\n");
  CHECK(pool["backends"][0]["checks"].size() == 2);
  json all = json_of(admin.get("/api/pools"));
  CHECK(all["pools"].size() == 2);
  CHECK(all["pools"][1] == json{{"name", "b"},
                                {"state", "empty"},
                                {"usable", 0},
                                {"in_flight", 0},
                                {"backends", json::array()}});
}

TEST_CASE("routes come in pages") {
  Admin admin;
  admin.source.routes_view = {7, 300, {{"a.example", "/x", "https", "name", "web"}}, nullptr, 101};
  json page = json_of(admin.get("/api/routes?host=A.example&limit=1&cursor=7-100"));
  CHECK(page == json{{"generation", 7},
                     {"total", 300},
                     {"routes",
                      {{{"host", "a.example"},
                        {"path", "/x"},
                        {"scheme", "https"},
                        {"route", "name"},
                        {"pool", "web"},
                        {"quarantined", false},
                        {"stale", false}}}},
                     {"next_cursor", "7-101"}});
  CHECK(admin.source.asked_routes.host == "A.example");
  CHECK(admin.source.asked_routes.limit == 1);
  CHECK(admin.source.asked_routes.generation == 7);
  CHECK(admin.source.asked_routes.first == 100);
  admin.get("/api/routes?glob=*.example%2Fapi");
  CHECK(admin.source.asked_routes.glob == "*.example/api");
  admin.source.routes_view.next.reset();
  CHECK(json_of(admin.get("/api/routes"))["next_cursor"] == nullptr);
  CHECK(admin.source.asked_routes.limit == 100);
  CHECK(admin.source.asked_routes.generation == 0);
  for (const char* query : {"limit=0", "limit=10001", "limit=x", "limit=", "limit=-1", "cursor=7",
                            "cursor=0-1", "cursor=7-", "cursor=7-x", "cursor=%zz7-1"}) {
    CAPTURE(query);
    std::string answer = admin.get("/api/routes?" + std::string(query));
    bool is_ignored = std::string_view(query).find("%zz") != std::string_view::npos;
    CHECK(status_of(answer) == (is_ignored ? 200 : 400));
  }
  admin.source.refusal = Refusal{409, "table_changed", "begin again"};
  CHECK(status_of(admin.get("/api/routes")) == 409);
}

TEST_CASE("requests in flight are answered when the workers have told") {
  Admin admin;
  auto peer = admin.connect();
  peer->send("GET /api/requests?limit=5 HTTP/1.1\r\nHost: localhost\r\n\r\n");
  CHECK(peer->take_received().empty());
  REQUIRE(admin.source.waiting_requests.size() == 1);
  CHECK(admin.source.asked_limit == 5);
  RequestsView view;
  view.total = 9;
  weir::observe::RequestInFlight request;
  request.listener = "public";
  request.client = IpAddress::v4(0xc0000201, 4711);
  request.method = "GET";
  request.host = "a.example";
  request.path = "/slow";
  request.route = "r";
  request.pool = "web";
  request.backend = "10.0.0.1:80";
  request.state = "awaiting_head";
  request.age = 1500ms;
  request.bytes_in = 1;
  request.bytes_out = 2;
  request.tries = 1;
  request.request_id = "abc";
  view.requests = {request, {}};
  admin.source.waiting_requests[0](view);
  admin.scheduler.drain_retired();
  json answer = json_of(peer->take_received());
  CHECK(answer["total"] == 9);
  CHECK(answer["silent_workers"] == 0);
  CHECK(answer["requests"][0] == json{{"listener", "public"},
                                      {"client", "192.0.2.1"},
                                      {"method", "GET"},
                                      {"host", "a.example"},
                                      {"path", "/slow"},
                                      {"route", "r"},
                                      {"pool", "web"},
                                      {"backend", "10.0.0.1:80"},
                                      {"state", "awaiting_head"},
                                      {"age_seconds", 1.5},
                                      {"bytes_in", 1},
                                      {"bytes_out", 2},
                                      {"tries", 1},
                                      {"request_id", "abc"}});
  CHECK(answer["requests"][1]["backend"] == nullptr);
  CHECK(answer["requests"][1]["client"] == "unix");
  // The connection goes on.
  peer->send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
  CHECK(status_of(peer->take_received()) == 200);
}

TEST_CASE("a reload is answered when it is over, also to nobody") {
  Admin admin;
  auto peer = admin.connect();
  auto gone = admin.connect();
  for (auto* one : {peer.get(), gone.get()})
    one->send("POST /api/reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
  REQUIRE(admin.source.waiting_reloads.size() == 2);
  CHECK(admin.source.asked_by == "127.0.0.1");
  gone->fail(weir::net::StreamError::kReset);
  CHECK(admin.server->connection_count() == 1);
  CHECK(admin.source.audited.empty());
  ReloadReport report;
  report.generation = 3;
  report.difference.hosts_added = 2;
  report.difference.hosts_moved = 1;
  report.difference.backends_removed = 4;
  report.removed_in_flight = 2;
  report.last_change = "11:15:45Z (HUP: +1 host)";  // said only of a reload without news
  report.warnings = {"[server] workers was 1, is 2: takes effect at the next start only"};
  for (auto& done : admin.source.waiting_reloads) done(report);
  admin.scheduler.drain_retired();
  json answer = json_of(peer->take_received());
  CHECK(answer == json{{"generation", 3},
                       {"added", 2},
                       {"removed", 0},
                       {"moved", 1},
                       {"changed", 0},
                       {"backends_added", 0},
                       {"backends_removed", 4},
                       {"removed_in_flight", 2},
                       {"settings", false},
                       {"summary",
                        "+2 hosts, 1 host moved, 4 backends drained, 2 requests go on there, nothing "
                        "cut"},
                       {"warnings", report.warnings},
                       {"stale", 0},
                       {"quarantined", json::array()},
                        {"quarantined_total", 0}});
  // Done is done, whoever hears of it.
  CHECK(admin.source.audited == std::vector<std::string>(2, "127.0.0.1 | POST /api/reload | 200"));
}

TEST_CASE("a reload that came too late says what was faster") {
  ReloadReport report;
  CHECK(weir::admin::report_text(report) == "no change");
  report.last_change = "11:15:45Z (file change: pool web changed)";
  CHECK(weir::admin::report_text(report) ==
        "no change since 11:15:45Z (file change: pool web changed)");
  report.has_new_settings = true;
  CHECK(weir::admin::report_text(report) == "settings");
}

TEST_CASE("a failed reload says everything that is wrong") {
  Admin admin;
  auto peer = admin.connect();
  peer->send("POST /api/reload HTTP/1.1\r\nHost: localhost\r\n\r\n");
  admin.source.waiting_reloads.at(0)(Err{Refusal{422, "invalid_configuration", "one\ntwo"}});
  admin.scheduler.drain_retired();
  std::string answer = peer->take_received();
  CHECK(status_of(answer) == 422);
  CHECK(json_of(answer) == json{{"error", "invalid_configuration"}, {"message", "one\ntwo"}});
  CHECK(admin.source.audited.at(0) == "127.0.0.1 | POST /api/reload | 422 | invalid_configuration");
}

TEST_CASE("a reload may be forced, and says what is held back") {
  Admin admin;
  CHECK(status_of(admin.post("/api/reload?force=yes")) == 400);
  CHECK(admin.source.waiting_reloads.empty());
  auto peer = admin.connect();
  peer->send("POST /api/reload?force=1 HTTP/1.1\r\nHost: localhost\r\n\r\n");
  REQUIRE(admin.source.waiting_reloads.size() == 1);
  CHECK(admin.source.asked_force == weir::table::Builder::Force::kYes);
  auto tables = std::make_shared<weir::table::Tables>();
  tables->stale.hosts = 3000;
  tables->stale.hosts_left = 2000;
  tables->stale.max_percent = 20;
  tables->stale.files.push_back({"/etc/weir/hosts.map", 3000, 2000, 0, 0, {"a.com"}});
  ReloadReport report;
  report.tables = tables;
  admin.source.waiting_reloads.at(0)(report);
  admin.scheduler.drain_retired();
  json answer = json_of(peer->take_received());
  CHECK(answer["stale"] == 3000);
  CHECK(answer["summary"] ==
        "no change; 3,000 hosts held back (hosts.map lost 60 %, more than 20 %): --force lets them go");
}

TEST_CASE("what is never answered says so, and what outlives the server says nothing") {
  Admin admin;
  auto peer = admin.connect();
  peer->send("POST /api/reload HTTP/1.1\r\nHost: localhost\r\n\r\n");
  admin.source.waiting_reloads.clear();
  admin.scheduler.drain_retired();
  CHECK(status_of(peer->take_received()) == 503);
  peer->send("POST /api/reload HTTP/1.1\r\nHost: localhost\r\n\r\n");
  std::size_t audited = admin.source.audited.size();
  admin.server.reset();
  admin.source.waiting_reloads.clear();
  CHECK(admin.source.audited.size() == audited);
}

TEST_CASE("the node out of service and back") {
  Admin admin;
  CHECK(json_of(admin.post("/api/drain"))["state"] == "draining");
  CHECK(status_of(admin.get("/readyz")) == 503);
  CHECK(json_of(admin.post("/api/ready"))["state"] == "ready");
  admin.source.refusal = Refusal{409, "ending", "weir ends"};
  CHECK(status_of(admin.post("/api/ready")) == 409);
  admin.source.shown.drain = {"alice", WallTime(1795155933123ms), false};
  CHECK(json_of(admin.get("/api/status"))["drain"] ==
        json{{"by", "alice"}, {"since", "2026-11-20T06:25:33.123Z"}, {"final", false}});
}

TEST_CASE("backends are named in any spelling of their address") {
  struct Row {
    const char* path;
    const char* set;
  };
  Admin admin;
  for (const Row& row :
       {Row{"web/backends/127.0.0.1:9001/drain", "web 127.0.0.1:9001 drain"},
        Row{"web/backends/127.0.0.1%3A9001/maint", "web 127.0.0.1:9001 maint"},
        Row{"*/backends/10.0.0.6/ready", "* 10.0.0.6 ready"},
        Row{"%2a/backends/%5B0:0:0::1%5D:80/drain", "* [::1]:80 drain"},
        Row{"web/backends/unix%3A%2Frun%2Fa%20b.sock/drain", "web unix:/run/a b.sock drain"},
        Row{"web/backends/nonsense/drain", "web nonsense drain"}}) {
    CAPTURE(row.path);
    json answer = json_of(admin.post("/api/pools/" + std::string(row.path)));
    CHECK(answer["matched"] == 2);
    CHECK(answer["in_flight"] == 7);
    CHECK(answer["warnings"] == json{"pool \"web\": 0 of 2 usable"});
    CHECK(admin.source.set == std::string(row.set) + " by 127.0.0.1");
  }
  for (const char* path : {"web/backends/127.0.0.1:9001/stop", "web/backends//drain",
                           "web/backends/unix:/run/a.sock/drain", "web/backends/%zz/drain",
                           "web/backends/a%00b/drain", "web/backends/a/drain/"}) {
    CAPTURE(path);
    CHECK(status_of(admin.post("/api/pools/" + std::string(path))) == 404);
  }
  CHECK(status_of(admin.get("/api/pools/web/backends/a/drain")) == 405);
  admin.source.refusal = Refusal{404, "unknown_backend", "no"};
  CHECK(status_of(admin.post("/api/pools/web/backends/127.0.0.1:1/drain")) == 404);
}

TEST_CASE("what is set of pools comes in pages, without what is as by default") {
  Admin admin;
  auto spec = std::make_shared<weir::backend::PoolSpec>();
  spec->name = "web";
  weir::test::own_settings(*spec).retries = 5;
  weir::test::own_settings(*spec).timeouts.connect = 7s;
  spec->backends = {std::make_shared<weir::backend::Backend>("web", *weir::Endpoint::parse("10.0.0.1:80"), 1)};
  spec->traits = {{3, true}};
  admin.source.settings_view = {7, {{spec, 1}}, 12};
  json page = json_of(admin.get("/api/pools?settings=1&limit=1&cursor=7-3"));
  CHECK(page == json::parse(R"({"generation": 7, "next_cursor": "7-12", "pools": [{"name": "web",
    "usable": 1, "settings": {"retries": "5", "timeouts.connect": "\"7s\""},
    "backends": [{"address": "10.0.0.1:80", "weight": 3, "backup": true}]}]})"));
  CHECK(admin.source.asked_settings.limit == 1);
  CHECK(admin.source.asked_settings.first == 3);
  CHECK(status_of(admin.get("/api/pools?settings=1&limit=0")) == 400);
  admin.source.refusal = Refusal{409, "table_changed", "begin again"};
  CHECK(status_of(admin.get("/api/pools?settings=1")) == 409);
}

TEST_CASE("why a request goes where it goes: the URL is decoded, nothing is null but what is not there") {
  Admin admin;
  weir::admin::ExplainView& view = admin.source.explain_view;
  view.method = "PUT";
  view.scheme = "http";
  view.host = "a.example";
  view.path = "/\"x\"";
  view.outcome = "pool";
  view.why = "because";
  view.hosts = {{"a.example", "matched"}};
  view.winner = weir::admin::ExplainView::Route{"a.example", "", "", "web", "web", false, "wins", "it"};
  view.routes = {*view.winner};
  view.routes_total = 1;
  view.places = {{"a.map", 3, 1}, {"b.map", 0, 0}};
  view.pool.emplace();
  view.pool->name = "web";
  view.pool->balance = "round_robin";
  view.pool->backends.push_back({at("10.0.0.1:80"), false, false, "a backup"});
  json shown = json_of(admin.get("/api/explain?method=PUT&url=http%3A%2F%2Fa.example%2F%22x%22"));
  CHECK(admin.source.asked_url == "PUT http://a.example/\"x\"");
  CHECK(shown["path"] == "/\"x\"");
  CHECK(shown["status"].is_null());
  CHECK(shown["generation"].is_null());
  CHECK(shown["route"]["file"] == "a.map");
  CHECK(shown["route"]["line"] == 3);
  CHECK(shown["route"]["behind_it"] == json::parse(R"([{"file": "b.map", "line": null}])"));
  CHECK(shown["routes"][0]["result"] == "wins");
  CHECK(shown["pool"]["backends"][0]["state"].is_null());
  CHECK(shown["pool"]["backends"][0]["why"] == "a backup");
  view.winner.reset();
  view.pool.reset();
  view.status = 404;
  view.outcome = "no_route";
  shown = json_of(admin.get("/api/explain?url=a"));
  CHECK(shown["status"] == 404);
  CHECK(shown["route"].is_null());
  CHECK(shown["pool"].is_null());
  CHECK(status_of(admin.get("/api/explain")) == 400);
  CHECK(status_of(admin.get("/api/explain?url=")) == 400);
  admin.source.refusal = Refusal{400, "bad_url", "no"};
  CHECK(json_of(admin.get("/api/explain?url=x"))["error"] == "bad_url");
}

}  // namespace
