#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "weir/table/build.h"

namespace {

using weir::Endpoint;
using weir::config::Config;
using weir::config::Place;
using weir::table::Builder;
using weir::table::Tables;

constexpr std::uint64_t kSeed = 20261120;
constexpr unsigned kWorkers = 2;

Endpoint endpoint(std::string_view text) { return *Endpoint::parse(text); }

// A configuration as a file would make it; every call takes the next line.
class ConfigText {
 public:
  ConfigText& listener(const std::string& name, const std::string& bind) {
    weir::config::ListenerConfig listener;
    listener.name = name;
    listener.place = next_place();
    bool is_any = bind.starts_with(':');
    listener.bind.push_back({endpoint(is_any ? "0.0.0.0" + bind : bind), is_any, bind});
    config_.listeners.push_back(listener);
    return *this;
  }
  ConfigText& pool(const std::string& name, const std::vector<std::string>& backends) {
    weir::config::PoolConfig pool;
    pool.name = name;
    pool.place = next_place();
    for (const std::string& backend : backends) {
      pool.backends.push_back({endpoint(backend), next_place()});
    }
    config_.pools.push_back(pool);
    return *this;
  }
  ConfigText& route(const std::vector<std::string>& hosts, const std::string& path,
                    const std::string& pool, const std::string& scheme = "",
                    const std::string& name = "") {
    weir::config::RouteConfig route;
    route.name = name;
    route.hosts = hosts;
    route.path = path;
    route.pool = pool;
    if (!scheme.empty()) route.scheme = scheme;
    route.place = next_place();
    config_.route_entries.push_back(route);
    return *this;
  }
  weir::config::PoolConfig& last_pool() { return config_.pools.back(); }
  operator const Config&() const { return config_; }  // NOLINT: reads as the configuration it is
  Config& config() { return config_; }

 private:
  Place next_place() { return {"weir.toml", ++line_, 1}; }
  unsigned line_ = 0;
  Config config_;
};

std::vector<std::string> quarantine_of(const Tables& tables) {
  std::vector<std::string> entries;
  for (const weir::table::Quarantined& entry : tables.quarantine.listed)
    entries.push_back(entry.place.text() + ": " + entry.reason);
  CHECK(tables.quarantine.size() == entries.size());
  return entries;
}

std::vector<std::string> quarantine_of(const Config& config) {
  return quarantine_of(*Builder(kWorkers, kSeed).build(config).tables);
}

Builder::Built built_by(Builder& builder, const Config& config) {
  Builder::Built built = builder.build(config);
  REQUIRE(built.tables != nullptr);
  CHECK(built.tables->quarantine.size() == 0);
  return built;
}

// The pool's name and the label that a request is routed by.
std::string routed(const Tables& tables, std::string_view host, std::string_view path = "/",
                   weir::http::Scheme scheme = weir::http::Scheme::kHttp) {
  std::string scratch;
  auto match = tables.routes->find(host, path, scheme, scratch);
  if (match.outcome != weir::route::Outcome::kMatched) return "none";
  const weir::route::Route& route = **match.route;
  if (route.action == weir::route::Route::Action::kQuarantined) return "503 " + route.label.str();
  auto pool = tables.pools->find(route.pool);
  REQUIRE(pool != nullptr);
  CHECK(pool->id == route.pool);
  return pool->name.str() + " " + route.label.str();
}

ConfigText two_pools() {
  ConfigText text;
  text.listener("public", ":8080")
      .pool("web", {"127.0.0.1:9001", "[::1]:9002"})
      .pool("api", {"unix:/run/api.sock"})
      .route({"WWW.example.com.", "*.example.com"}, "", "web")
      .route({"www.example.com"}, "/api", "api", "https", "the-api");
  return text;
}

TEST_CASE("a configuration becomes routes and pools") {
  Builder builder(kWorkers, kSeed);
  auto tables = built_by(builder, two_pools()).tables;
  CHECK(tables->generation == 1);
  CHECK(tables->routes->hosts() == 2);
  CHECK(tables->routes->routes() == 3);
  CHECK(routed(*tables, "www.example.com") == "web web");
  CHECK(routed(*tables, "a.example.com") == "web web");
  CHECK(routed(*tables, "www.example.com", "/api", weir::http::Scheme::kHttps) == "api the-api");
  CHECK(routed(*tables, "www.example.com", "/api") == "web web");
  auto web = tables->pools->find(0);
  REQUIRE(web->backends.size() == 2);
  CHECK(web->backends[0]->pool() == "web");
  CHECK(web->backends[0]->address() == "127.0.0.1:9001");
  CHECK(web->backends[1]->address() == "[::1]:9002");
  CHECK(tables->pools->find(7) == nullptr);
}

TEST_CASE("weights and backups arrive, and a change of them is a change of the pool") {
  Builder builder(kWorkers, kSeed);
  ConfigText text = two_pools();
  auto first = built_by(builder, text);
  CHECK(first.tables->pools->find(0)->traits.empty());
  text.config().pools[0].backends[1].weight = 3;
  auto second = built_by(builder, text);
  auto web = second.tables->pools->find(0);
  CHECK(web->traits_of(0) == weir::backend::BackendTraits{});
  CHECK(web->traits_of(1) == weir::backend::BackendTraits{3, false});
  CHECK(second.difference.text() == "pool web changed");
  CHECK(second.tables->hash != first.tables->hash);
  CHECK(web->backends == first.tables->pools->find(0)->backends);
  text.config().pools[0].backends[0].is_backup = true;
  auto third = built_by(builder, text);
  CHECK(third.tables->pools->find(0)->traits_of(0).is_backup);
  CHECK(third.difference.text() == "pool web changed");
  CHECK(built_by(builder, text).difference.is_empty());
  CHECK(built_by(builder, text).tables->pools->find(0) == third.tables->pools->find(0));
}

TEST_CASE("every setting of a pool arrives, and a change of it is a change") {
  using Pool = weir::config::PoolConfig;
  struct Row {
    const char* name;
    void (*change)(Pool&);
    bool (*arrived)(const weir::backend::PoolSettings&);
  };
  using Spec = weir::backend::PoolSettings;
  using std::chrono::seconds;
  static const Row kRows[] = {
      {"balance", [](Pool& p) { p.balance = weir::config::Balance::kRoundRobin; },
       [](const Spec& s) { return s.balance == weir::config::Balance::kRoundRobin; }},
      {"keepalive", [](Pool& p) { p.keepalive = false; },
       [](const Spec& s) { return !s.keepalive; }},
      {"max_idle", [](Pool& p) { p.max_idle = 5; }, [](const Spec& s) { return s.max_idle == 5; }},
      {"retries", [](Pool& p) { p.retries = 5; }, [](const Spec& s) { return s.retries == 5; }},
      {"retry_budget", [](Pool& p) { p.retry_budget_percent = 5; },
       [](const Spec& s) { return s.retry_budget_percent == 5; }},
      {"body_bytes", [](Pool& p) { p.body_bytes = 5; },
       [](const Spec& s) { return s.body_bytes == 5; }},
      {"host", [](Pool& p) { p.host = "h"; }, [](const Spec& s) { return s.host == "h"; }},
      {"connect", [](Pool& p) { p.timeouts.connect = seconds(5); },
       [](const Spec& s) { return s.timeouts.connect == seconds(5); }},
      {"backend_write", [](Pool& p) { p.timeouts.backend_write = seconds(5); },
       [](const Spec& s) { return s.timeouts.backend_write == seconds(5); }},
      {"response_head", [](Pool& p) { p.timeouts.response_head = seconds(5); },
       [](const Spec& s) { return s.timeouts.response_head == seconds(5); }},
      {"backend_body", [](Pool& p) { p.timeouts.backend_body = seconds(5); },
       [](const Spec& s) { return s.timeouts.backend_body == seconds(5); }},
      {"request", [](Pool& p) { p.timeouts.request = seconds(5); },
       [](const Spec& s) { return s.timeouts.request == seconds(5); }},
      {"retry_window", [](Pool& p) { p.timeouts.retry_window = seconds(5); },
       [](const Spec& s) { return s.timeouts.retry_window == seconds(5); }},
      {"tunnel_idle", [](Pool& p) { p.timeouts.tunnel_idle = seconds(5); },
       [](const Spec& s) { return s.timeouts.tunnel_idle == seconds(5); }},
      {"backend_idle", [](Pool& p) { p.timeouts.backend_idle = seconds(5); },
       [](const Spec& s) { return s.timeouts.backend_idle == seconds(5); }},
  };
  for (const Row& row : kRows) {
    CAPTURE(row.name);
    Builder builder(kWorkers, kSeed);
    ConfigText text;
    text.pool("web", {"127.0.0.1:9001"});
    auto before = built_by(builder, text).tables;
    row.change(text.last_pool());
    auto built = built_by(builder, text);
    CHECK(row.arrived(*built.tables->pools->find(0)->settings));
    CHECK(built.difference.text() == "pool web changed");
    CHECK(built.tables->hash != before->hash);
  }
}

TEST_CASE("pool ids and backends go on over reloads") {
  Builder builder(kWorkers, kSeed);
  auto first = built_by(builder, two_pools()).tables;
  ConfigText text;
  text.pool("new", {"127.0.0.1:9001"}).pool("web", {"[::1]:9002", "127.0.0.1:9003"});
  auto second = built_by(builder, text).tables;
  CHECK(second->pools->find(0)->name == "web");
  CHECK(second->pools->find(1) == nullptr);
  CHECK(second->pools->find(2)->name == "new");
  CHECK(second->pools->find(0)->backends[0] == first->pools->find(0)->backends[1]);
  // The same address in another pool is another backend.
  CHECK(second->pools->find(2)->backends[0] != first->pools->find(0)->backends[0]);

  auto third = built_by(builder, two_pools()).tables;
  CHECK(third->pools->find(0)->name == "web");
  CHECK(third->pools->find(1)->name == "api");
  CHECK(third->pools->find(2) == nullptr);
  // `first` stands for requests that still hold what had gone: its counters are the ones in use.
  CHECK(third->pools->find(0)->backends == first->pools->find(0)->backends);
  CHECK(third->generation == 3);
}

TEST_CASE("the generation grows only with a change") {
  Builder builder(kWorkers, kSeed);
  CHECK(built_by(builder, two_pools()).tables->generation == 1);
  CHECK(built_by(builder, two_pools()).tables->generation == 1);
  CHECK(built_by(builder, ConfigText()).tables->generation == 2);
}

TEST_CASE("a pool that did not change is the same object") {
  Builder builder(kWorkers, kSeed);
  ConfigText text = two_pools();
  auto first = built_by(builder, text).tables;
  text.last_pool().retries = 9;
  auto second = built_by(builder, text).tables;
  CHECK(second->pools->find(0) == first->pools->find(0));
  CHECK(second->pools->find(1) != first->pools->find(1));
}

TEST_CASE("backends that nobody holds are forgotten") {
  Builder builder(kWorkers, kSeed);
  std::weak_ptr<weir::backend::Backend> gone =
      built_by(builder, two_pools()).tables->pools->find(1)->backends[0];
  built_by(builder, ConfigText());
  CHECK(gone.expired());
}

TEST_CASE("a route whose pool is not there answers 503 and nothing wider answers for it") {
  Builder builder(kWorkers, kSeed);
  ConfigText text;
  text.pool("web", {"127.0.0.1:1"}).route({"a.com"}, "", "nowhere").route({".com", "*"}, "", "web");
  Builder::Built built = builder.build(text);
  CHECK(quarantine_of(*built.tables) ==
        std::vector<std::string>{"weir.toml:3:1: there is no pool \"nowhere\""});
  CHECK(built.has_new_quarantine);
  CHECK(built.tables->quarantine.listed[0].key == "a.com");
  CHECK(built.tables->quarantine.listed[0].is_served == false);
  CHECK(routed(*built.tables, "a.com") == "503 nowhere");
  CHECK(routed(*built.tables, "b.com") == "web web");
  CHECK(!builder.build(text).has_new_quarantine);
  // And it is served as soon as there is one.
  text.pool("nowhere", {"127.0.0.1:2"});
  built = builder.build(text);
  CHECK(built.tables->quarantine.size() == 0);
  CHECK(built.has_new_quarantine);
  CHECK(routed(*built.tables, "a.com") == "nowhere nowhere");
}

TEST_CASE("a route that gets worse goes on as it was") {
  Builder builder(kWorkers, kSeed);
  built_by(builder, two_pools());
  ConfigText text = two_pools();
  text.config().route_entries[0].pool = "wbe";
  Builder::Built built = builder.build(text);
  CHECK(built.tables->quarantine.counts[0] == 2);
  CHECK(built.tables->quarantine.listed[0].is_served == true);
  CHECK(routed(*built.tables, "a.example.com") == "web web");
  CHECK(built.difference.is_empty());
  // With errors of another kind, too.
  text = two_pools();
  text.config().route_entries[0].is_bad = true;
  text.config().route_entries[0].pool = "api";
  built = builder.build(text, {{{"weir.toml", 5, 3}, "unknown key", weir::config::EntryKind::kRoute}});
  CHECK(routed(*built.tables, "a.example.com") == "web web");
  CHECK(quarantine_of(*built.tables) == std::vector<std::string>{"weir.toml:5:3: unknown key"});
  // The next version that is good is served.
  text.config().route_entries[0].is_bad = false;
  built = builder.build(text);
  CHECK(routed(*built.tables, "a.example.com") == "api api");
  CHECK(built.tables->quarantine.size() == 0);
}

TEST_CASE("a route with errors that was never good answers 503, though its pool is there") {
  Builder builder(kWorkers, kSeed);
  ConfigText text = two_pools();
  text.config().route_entries[0].is_bad = true;
  Builder::Built built = builder.build(text);
  CHECK(routed(*built.tables, "a.example.com") == "503 quarantined");
  CHECK(routed(*built.tables, "www.example.com", "/api", weir::http::Scheme::kHttps) ==
        "api the-api");
}

TEST_CASE("a pool that routes need stays as it was, and goes with the last of them") {
  Builder builder(kWorkers, kSeed);
  built_by(builder, two_pools());
  ConfigText text = two_pools();
  text.config().pools.erase(text.config().pools.begin());
  Builder::Built built = builder.build(text);
  CHECK(routed(*built.tables, "a.example.com") == "web web");
  CHECK(built.tables->pools->find(0)->backends.size() == 2);
  CHECK(built.difference.is_empty());
  std::vector<std::string> said = quarantine_of(*built.tables);
  CHECK(std::any_of(said.begin(), said.end(), [](const std::string& line) {
    return line.find("pool \"web\" is not defined any more, but 2 routes lead there") !=
           std::string::npos;
  }));
  text.config().route_entries.erase(text.config().route_entries.begin());
  built = builder.build(text);
  CHECK(built.tables->quarantine.size() == 0);
  CHECK(built.tables->pools->find(0) == nullptr);
  CHECK(built.difference.text() == "-1 host, 1 host moved, -1 pool, 2 backends drained");
}

TEST_CASE("quarantined entries name both places, and the others are served") {
  ConfigText text;
  text.listener("public", ":8080")                         // line 1
      .pool("web", {"127.0.0.1:9001", "127.0.0.1:9001"})   // 2, backends 3 and 4
      .pool("loop", {"127.0.0.1:8080"})                    // 5, backend 6
      .pool("web", {})                                     // 7
      .route({"a.com", "A.com."}, "", "web")               // 8
      .route({"b.com"}, "/x", "nowhere", "https")          // 9
      .route({"b..com", "b.com"}, "/x", "web", "https")    // 10
      .route({"b.com", "*.b.com", ".b.com"}, "/x", "web")  // 11
      .route({"*"}, "", "web")                             // 12
      .route({"*"}, "", "loop");                           // 13
  CHECK(quarantine_of(text) ==
        std::vector<std::string>{
            "weir.toml:4:1: backend 127.0.0.1:9001 is listed twice in pool \"web\"",
            "weir.toml:6:1: backend 127.0.0.1:8080 is weir's own listener \"public\" (a loop: "
            "expected the address where the application listens)",
            "weir.toml:7:1: pool \"web\" is already defined at weir.toml:2:1",
            "weir.toml:8:1: a.com is already routed at weir.toml:8:1",
            "weir.toml:9:1: there is no pool \"nowhere\"",
            "weir.toml:10:1: host \"b..com\" has an empty label",
            "weir.toml:10:1: b.com/x (https) is already routed at weir.toml:9:1",
            "weir.toml:13:1: * is already routed at weir.toml:12:1",
        });
  auto tables = Builder(kWorkers, kSeed).build(text).tables;
  CHECK(tables->pools->find(0)->backends.size() == 1);
  CHECK(tables->pools->find(1)->backends.empty());
  CHECK(routed(*tables, "a.com") == "web web");
  CHECK(routed(*tables, "b.com", "/x", weir::http::Scheme::kHttps) == "503 nowhere");
  CHECK(routed(*tables, "b.com", "/x") == "web web");
  CHECK(routed(*tables, "c.com") == "web web");
}

TEST_CASE("weir's own listeners are no backends") {
  struct Row {
    std::string bind;
    std::string backend;
    bool is_loop;
  };
  for (const Row& row : {
           Row{":80", "127.0.0.1:80", true},
           Row{":80", "127.1.2.3:80", true},
           Row{":80", "[::1]:80", true},
           Row{":80", "0.0.0.0:80", true},
           Row{":80", "[::]:80", true},
           Row{":80", "[::ffff:127.0.0.1]:80", true},
           Row{":80", "127.0.0.1:81", false},
           Row{":80", "192.0.2.1:80", false},
           Row{"0.0.0.0:80", "127.0.0.1:80", true},
           Row{"0.0.0.0:80", "[::1]:80", false},
           Row{"[::]:80", "[::1]:80", true},
           Row{"[::]:80", "127.0.0.1:80", false},
           Row{"127.0.0.1:80", "127.0.0.1:80", true},
           Row{"127.0.0.1:80", "127.0.0.2:80", false},
           Row{"127.0.0.1:80", "0.0.0.0:80", true},
           Row{"192.0.2.1:80", "192.0.2.1:80", true},
           Row{"192.0.2.1:80", "192.0.2.2:80", false},
           Row{"192.0.2.1:80", "0.0.0.0:80", false},
           Row{"unix:/run/weir.sock", "unix:/run/weir.sock", true},
           Row{"unix:/run/weir.sock", "unix:/run/app.sock", false},
           Row{"unix:/run/weir.sock", "127.0.0.1:80", false},
           Row{":80", "unix:/run/app.sock", false},
           Row{"127.0.0.1:0", "127.0.0.1:0", false},
       }) {
    CAPTURE(row.bind);
    CAPTURE(row.backend);
    ConfigText text;
    text.listener("other", "127.0.0.1:7").listener("it", row.bind).pool("web", {row.backend});
    std::vector<std::string> errors = quarantine_of(text);
    CHECK(errors.size() == (row.is_loop ? 1 : 0));
    if (row.is_loop) CHECK(errors[0].find("\"it\" (a loop:") != std::string::npos);
  }
}

TEST_CASE("many routes are built and found") {
  constexpr int kHosts = 20'000;
  ConfigText text;
  text.pool("web", {"127.0.0.1:9001"});
  for (int i = 0; i < kHosts; ++i) text.route({std::to_string(i) + ".example.com"}, "", "web");
  Builder builder(kWorkers, kSeed);
  auto built = built_by(builder, text);
  CHECK(built.difference.text() == "+20000 hosts, +1 pool, +1 backend");
  CHECK(routed(*built.tables, "12345.example.com") == "web web");
  CHECK(routed(*built.tables, "x12345.example.com") == "none");
}

}  // namespace
