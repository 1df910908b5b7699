#pragma once
// An AdminServer on streams in memory, with a source that shows what a test sets.
#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/fake_clock.h"
#include "tests/support/fake_stream.h"
#include "weir/admin/admin_server.h"

namespace weir::admin {

struct FakeSource final : AdminSource {
  ServiceState state() const override { return now; }
  Status status() const override { return shown; }
  std::string metrics() const override { return text; }
  std::vector<backend::PoolView> pools() const override { return pool_views; }
  std::optional<backend::PoolView> pool(std::string_view name) const override {
    for (const backend::PoolView& view : pool_views)
      if (view.name == name) return view;
    return std::nullopt;
  }
  Result<RoutesView, Refusal> routes(const RoutesQuery& query) const override {
    asked_routes = query;
    if (refusal) return Err{*refusal};
    return routes_view;
  }
  Result<PoolSettingsView, Refusal> pool_settings(const PoolSettingsQuery& query) const override {
    asked_settings = query;
    if (refusal) return Err{*refusal};
    return settings_view;
  }
  void requests(std::size_t limit, Done<RequestsView> done) override {
    asked_limit = limit;
    waiting_requests.push_back(std::move(done));
  }
  void explain(const ExplainQuery& query, Done<ExplainView> done) override {
    asked_url = query.method + " " + query.url;
    if (refusal) return done(Err{*refusal});
    done(explain_view);
  }
  void reload(const std::string& by, table::Builder::Force force,
              Done<ReloadReport> done) override {
    asked_by = by;
    asked_force = force;
    waiting_reloads.push_back(std::move(done));
  }
  void set_in_service(bool is_in_service, const std::string& by, Done<Ok> done) override {
    asked_by = by;
    if (refusal) return done(Err{*refusal});
    now = is_in_service ? ServiceState::kReady : ServiceState::kDraining;
    done(Ok{});
  }
  void set_backend(const std::string& pool, const std::string& address, backend::AdminState state,
                   const std::string& by, Done<SetReport> done) override {
    set = pool + " " + address + " " + std::string(backend::name_of(state)) + " by " + by;
    if (refusal) return done(Err{*refusal});
    done(SetReport{2, 7, {"pool \"web\": 0 of 2 usable"}});
  }
  void audit(const AuditEntry& entry) override {
    audited.push_back(entry.by + " | " + entry.action + " | " + std::to_string(entry.status) +
                      (entry.error.empty() ? "" : " | " + entry.error));
  }
  std::vector<backend::PoolView> pool_views;
  RoutesView routes_view;
  PoolSettingsView settings_view;
  mutable PoolSettingsQuery asked_settings;
  mutable RoutesQuery asked_routes;
  std::optional<Refusal> refusal;
  std::size_t asked_limit = 0;
  std::string asked_by, asked_url, set;
  ExplainView explain_view;
  std::vector<Done<RequestsView>> waiting_requests;
  table::Builder::Force asked_force = table::Builder::Force::kNo;
  std::vector<Done<ReloadReport>> waiting_reloads;
  std::vector<std::string> audited;
  ServiceState now = ServiceState::kReady;
  Status shown;
  std::string text = "# HELP weir_ready Whether weir is in service.\nweir_ready 1\n";
};

struct Admin {
  test::FakeClock clock;
  net::Scheduler scheduler{clock};
  wire::Context context{scheduler};
  FakeSource source;
  std::shared_ptr<Access> access = std::make_shared<Access>();
  std::optional<AdminServer> server{std::in_place, context, source, wire::InboundSettings{},
                                    access};
  Arrival arrival{Door::kTcp, IpAddress::v4(0x7f000001, 4711), std::nullopt};

  std::unique_ptr<test::FakePeer> connect() {
    auto peer = std::make_unique<test::FakePeer>(scheduler);
    server->accept(peer->stream(), arrival);
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
  std::string post(std::string_view path, std::string_view fields = "Host: 127.0.0.1:8042\r\n") {
    return ask("POST " + std::string(path) + " HTTP/1.1\r\n" + std::string(fields) + "\r\n");
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
