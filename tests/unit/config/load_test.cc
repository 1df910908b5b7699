// What good files become: values, merges, origins, route files.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>

#include "load_fixture.h"

namespace weir::config::test {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

Config good(std::string_view text) {
  Loaded loaded = load_text(text, "conf/weir.toml");
  INFO(joined(errors_of(loaded)));
  REQUIRE(loaded.config);
  return *loaded.config;
}

const DumpLine& dumped(const Loaded& loaded, std::string_view section, std::string_view key) {
  auto line = std::find_if(loaded.dump.begin(), loaded.dump.end(), [&](const DumpLine& candidate) {
    return candidate.section == section && candidate.key == key;
  });
  CAPTURE(section);
  CAPTURE(key);
  REQUIRE(line != loaded.dump.end());
  return *line;
}

}  // namespace

TEST_CASE(
    "an access log that could not be written is an error at its place, before anything starts") {
  Folder folder;
  auto load = [&folder](const std::string& access) {
    return errors_of(load_file(folder.write(
        "weir.toml", "[log]\naccess = \"" + access + "\"\n" + std::string(kListener))));
  };
  CHECK(load("access.log").empty());
  CHECK_FALSE(std::filesystem::exists(folder.path("access.log")));
  std::string missing = folder.path("log");
  std::vector<std::string> errors = load("log/access.log");
  REQUIRE(errors.size() == 1);
  CHECK(errors[0].ends_with("2:10: access: there is no folder " + missing +
                            " (expected one: mkdir -p " + missing + ")"));
  std::filesystem::create_directory(missing);
  CHECK(load("log/access.log").empty());
  CHECK(load("./log")[0].ends_with("/log is a folder (expected a file)"));
  CHECK(load("weir.toml/access.log")[0].find("access: ") != std::string::npos);
}

TEST_CASE("a listener alone is a configuration, of defaults") {
  Config config = good("[listener.public]\nbind = [\":8080\"]\n");
  CHECK(config.server == ServerConfig{});
  REQUIRE(config.listeners.size() == 1);
  const ListenerConfig& listener = config.listeners[0];
  CHECK(listener.name == "public");
  CHECK(listener.place.text() == "conf/weir.toml:1:11");
  REQUIRE(listener.bind.size() == 1);
  CHECK(listener.bind[0].is_any_family);
  CHECK(listener.bind[0].endpoint.text() == "[::]:8080");
  CHECK(listener.bind[0].text == ":8080");
  CHECK(listener.upgrades == std::vector<std::string>{"websocket"});
  REQUIRE(config.admin.bind.size() == 2);
  CHECK(config.admin.bind[0].endpoint.text() == "127.0.0.1:8042");
  CHECK(config.admin.bind[1].endpoint.text() == "[::1]:8042");
  CHECK(config.routes.watch);
  CHECK(config.pools.empty());
  CHECK(config.route_entries.empty());
}

TEST_CASE("every setting reaches its field") {
  Config config = good(R"([server]
name = "edge-1"
workers = 3
max_connections = 5000
drain_notice = "5s"
drain_timeout = "0s"
user = "root"
state_dir = "state"
[listener.a]
bind = ["0.0.0.0:80", "[::]:80", "unix:run/a.sock", "unix:/run/b.sock"]
trusted_proxies = ["10.0.0.0/8", "::1"]
client_ip_from = "forwarded"
upgrades = ["WebSocket", "other"]
defer_accept = false
[listener.b]
bind = [":0"]
[admin]
bind = ["unix:admin.sock"]
[routes]
watch = false
max_removed = "5%"
[timeouts]
request_head = "1s"
client_idle = "2s"
client_body = "3s"
client_write = "4s"
client_fin = "0s"
[limits]
request_line_bytes = 1024
head_bytes = "4KiB"
headers = 7
[log]
level = "debug"
format = "json"
access = "log/access.log"
access_format = "combined"
query = true
)");
  CHECK(config.server == ServerConfig{"edge-1", 3, 5000, seconds(5), seconds(0), "root", "conf/state"});
  REQUIRE(config.listeners.size() == 2);
  const ListenerConfig& a = config.listeners[0];
  REQUIRE(a.bind.size() == 4);
  CHECK(!a.bind[0].is_any_family);
  CHECK(a.bind[2].endpoint.unix_path == "conf/run/a.sock");
  CHECK(a.bind[2].text == "unix:run/a.sock");
  CHECK(a.bind[3].endpoint.unix_path == "/run/b.sock");
  REQUIRE(a.trusted_proxies.size() == 2);
  CHECK(a.trusted_proxies[0].text() == "10.0.0.0/8");
  CHECK(a.client_ip_from == ClientIpFrom::kForwarded);
  CHECK(a.upgrades == std::vector<std::string>{"websocket", "other"});
  CHECK(!a.defer_accept);
  CHECK(config.listeners[1].name == "b");
  CHECK(config.admin.bind[0].endpoint.unix_path == "conf/admin.sock");
  CHECK(!config.routes.watch);
  CHECK(config.routes.max_removed_percent == 5);
  CHECK(config.timeouts.request_head == seconds(1));
  CHECK(config.timeouts.client_idle == seconds(2));
  CHECK(config.timeouts.client_body == seconds(3));
  CHECK(config.timeouts.client_write == seconds(4));
  CHECK(config.timeouts.client_fin == seconds(0));
  CHECK(config.limits.request_line_bytes == 1024);
  CHECK(config.limits.head_bytes == 4096);
  CHECK(config.limits.headers == 7);
  CHECK(config.log.level == LogLevel::kDebug);
  CHECK(config.log.format == LogFormat::kJson);
  CHECK(config.log.access.kind == AccessTarget::Kind::kFile);
  CHECK(config.log.access.path == "conf/log/access.log");
  CHECK(config.log.access_format == AccessFormat::kCombined);
  CHECK(config.log.query);
}

TEST_CASE("every setting of a pool reaches its field") {
  Config config = good(R"([listener.public]
bind = [":8080"]
[pool.web]
backends = ["127.0.0.1:9001", "[::1]:9002", "unix:app.sock", { address = "10.0.0.6:9004" }]
balance = "least_requests"
keepalive = false
max_idle = 0
retries = 5
retry_budget = "0%"
timeouts = { connect = "1s", backend_write = "2s", response_head = "3s", backend_body = "4s", request = "5s", retry_window = "6s", tunnel_idle = "7s", backend_idle = "8s" }
limits = { body_bytes = "8MiB" }
host = "app.internal:8080"
[pool.none]
backends = []
)");
  REQUIRE(config.pools.size() == 2);
  const PoolConfig& web = config.pools[0];
  CHECK(web.name == "web");
  CHECK(web.place.text() == "conf/weir.toml:3:7");
  REQUIRE(web.backends.size() == 4);
  CHECK(web.backends[0].endpoint.text() == "127.0.0.1:9001");
  CHECK(web.backends[0].place.text() == "conf/weir.toml:4:13");
  CHECK(web.backends[1].endpoint.text() == "[::1]:9002");
  CHECK(web.backends[2].endpoint.unix_path == "conf/app.sock");
  CHECK(web.backends[3].endpoint.text() == "10.0.0.6:9004");
  CHECK(web.balance == Balance::kLeastRequests);
  CHECK(!web.keepalive);
  CHECK(web.max_idle == 0);
  CHECK(web.retries == 5);
  CHECK(web.retry_budget_percent == 0);
  CHECK(web.timeouts == PoolTimeouts{seconds(1), seconds(2), seconds(3), seconds(4), seconds(5),
                                     seconds(6), seconds(7), seconds(8)});
  CHECK(web.body_bytes == 8 << 20);
  CHECK(web.host == "app.internal:8080");
  CHECK(config.pools[1].backends.empty());
  CHECK(config.pools[1].timeouts == PoolTimeouts{});
}

TEST_CASE("routes get canonical hosts and paths, and a label") {
  Config config = good(R"([listener.public]
bind = [":8080"]
[pool.web]
backends = []
[[route]]
host = "WWW.Example.com."
pool = "web"
[[route]]
name = "rest"
hosts = ["*.A.example", ".b.example", "*"]
path = "/%61pi/"
scheme = "https"
pool = "web"
)");
  REQUIRE(config.route_entries.size() == 2);
  const RouteConfig& first = config.route_entries[0];
  CHECK(first.name == "web");
  CHECK(first.hosts == std::vector<std::string>{"www.example.com"});
  CHECK(first.path.empty());
  CHECK(!first.scheme);
  CHECK(first.place.text() == "conf/weir.toml:5:1");
  const RouteConfig& second = config.route_entries[1];
  CHECK(second.name == "rest");
  CHECK(second.hosts == std::vector<std::string>{"*.a.example", ".b.example", "*"});
  CHECK(second.path == "/api");
  CHECK(second.scheme == "https");
  CHECK(second.pool == "web");
}

TEST_CASE("a pool takes the nearest of its own keys, pool_defaults, timeouts and defaults") {
  // Pools before the sections that they inherit from: the order in the file does not count.
  Loaded loaded = load_text(R"([pool.a]
backends = []
timeouts = { connect = "4s" }
[pool.b]
backends = []
limits = { body_bytes = 7 }
[pool_defaults]
max_idle = 5
timeouts = { connect = "3s", response_head = "3s" }
[timeouts]
connect = "1s"
response_head = "1s"
request = "1m"
[limits]
body_bytes = "1MiB"
[listener.public]
bind = [":8080"]
)",
                            "weir.toml");
  REQUIRE(loaded.config);
  const PoolConfig& a = loaded.config->pools[0];
  CHECK(a.timeouts.connect == seconds(4));
  CHECK(a.timeouts.response_head == seconds(3));
  CHECK(a.timeouts.request == minutes(1));
  CHECK(a.timeouts.tunnel_idle == hours(1));
  CHECK(a.body_bytes == 1 << 20);
  CHECK(a.max_idle == 5);
  const PoolConfig& b = loaded.config->pools[1];
  CHECK(b.timeouts.connect == seconds(3));
  CHECK(b.body_bytes == 7);

  CHECK(dumped(loaded, "pool.a", "timeouts.connect").origin == "weir.toml:3");
  CHECK(dumped(loaded, "pool.a", "timeouts.connect").value == "\"4s\"");
  CHECK(dumped(loaded, "pool.a", "timeouts.response_head").origin == "pool_defaults (weir.toml:9)");
  CHECK(dumped(loaded, "pool.a", "timeouts.request").origin == "timeouts (weir.toml:13)");
  CHECK(dumped(loaded, "pool.a", "timeouts.request").value == "\"60s\"");
  CHECK(dumped(loaded, "pool.a", "timeouts.tunnel_idle").origin == "default");
  CHECK(dumped(loaded, "pool.a", "limits.body_bytes").origin == "limits (weir.toml:15)");
  CHECK(dumped(loaded, "pool.a", "max_idle").origin == "pool_defaults (weir.toml:8)");
  CHECK(dumped(loaded, "pool.a", "retries").origin == "default");
  CHECK(dumped(loaded, "timeouts", "connect").origin == "weir.toml:11");
  CHECK(dumped(loaded, "timeouts", "client_idle").value == "\"75s\"");
}

TEST_CASE("the dump shows what is in effect, and loads again to the same") {
  std::string text = R"([listener.public]
bind = [":8080"]
[log]
level = "warn"
[pool.web]
backends = ["127.0.0.1:9001"]
[[route]]
host = "a.example"
path = "/x"
pool = "web"
)";
  Loaded loaded = load_text(text, "weir.toml");
  REQUIRE(loaded.config);
  CHECK(dumped(loaded, "server", "name").value == "\"weir\"");
  CHECK(dumped(loaded, "admin", "bind").value == "[\"127.0.0.1:8042\", \"[::1]:8042\"]");
  CHECK(dumped(loaded, "listener.public", "bind").origin == "weir.toml:2");
  CHECK(dumped(loaded, "log", "format").value == "\"logfmt\"");
  CHECK(dumped(loaded, "limits", "head_bytes").value == "\"32KiB\"");
  CHECK(dumped(loaded, "pool.web", "retry_budget").value == "\"20%\"");
  CHECK(dumped(loaded, "route[0]", "name").value == "\"web\"");
  CHECK(dumped(loaded, "route[0]", "name").origin == "default");
  CHECK(dumped(loaded, "route[0]", "path").origin == "weir.toml:9");
  CHECK(std::none_of(loaded.dump.begin(), loaded.dump.end(),
                     [](const DumpLine& line) { return line.key == "sticky"; }));

  std::string again;
  std::string section;
  for (const DumpLine& line : loaded.dump) {
    if (line.section != section) {
      again += line.section.starts_with("route[") ? "[[route]]\n" : "[" + line.section + "]\n";
      section = line.section;
    }
    again += line.key + " = " + line.value + "\n";
  }
  Loaded second = load_text(again, "weir.toml");
  CAPTURE(again);
  CHECK(joined(errors_of(second)).empty());
  REQUIRE(second.dump.size() == loaded.dump.size());
  for (std::size_t i = 0; i < loaded.dump.size(); ++i) {
    CHECK(second.dump[i].key == loaded.dump[i].key);
    CHECK(second.dump[i].value == loaded.dump[i].value);
  }
}

TEST_CASE("a file's failure names the file and the reason") {
  Folder folder;
  std::string missing = folder.path("weir.toml");
  Loaded loaded = load_file(missing);
  REQUIRE(loaded.errors.size() == 1);
  CHECK(loaded.errors[0].text() ==
        "weir: " + missing + ": cannot open " + missing + ": No such file or directory");
  CHECK(loaded.files == std::vector<std::string>{missing});

  Loaded directory = load_file(folder.path("."));
  REQUIRE(directory.errors.size() == 1);
  CHECK(directory.errors[0].message.ends_with(": Is a directory (expected a file)"));

  std::string empty = folder.write("weir.toml", "");
  CHECK(load_file(empty).errors.at(0).message.starts_with("no listener"));
  CHECK(load_file(folder.write("weir.toml", "a = \"\xff\xfe\"\n")).errors.at(0).place.line == 1);
  CHECK(load_file(folder.write("weir.toml", std::string("a = 1\0b", 7))).errors.size() == 1);
}

}  // namespace weir::config::test
