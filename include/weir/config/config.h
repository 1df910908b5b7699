#pragma once
// The configuration as plain values: what CONTRACT §2 lets an administrator say, checked and
// complete (every default filled in, pool_defaults and [timeouts] already merged into each pool).
// Keys whose feature is not in this version have no field: the loader accepts them at their default
// only. Pure values, copied piece by piece to whom they concern.
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "weir/base/address.h"
#include "weir/base/log.h"
#include "weir/base/time.h"
#include "weir/config/pages.h"

namespace weir::config {

// Where something stands, for messages. line and column count from 1; 0 = the whole file.
struct Place {
  std::string file;
  unsigned line = 0;
  unsigned column = 0;
  std::string text() const;  // FILE:LINE:COLUMN
  bool operator==(const Place&) const = default;
  auto order() const { return std::tie(file, line, column); }
};

struct ServerConfig {
  std::string name = "weir";
  unsigned workers = 0;          // 0: as many as affinity and cgroup quota allow
  unsigned max_connections = 0;  // 0: derived from the open-files limit
  Duration drain_notice{};
  Duration drain_timeout = std::chrono::seconds(30);
  std::string user;  // whom root becomes after binding; "" = stays who it is. Exists when loaded
  std::string state_dir;  // what persists; absolute or relative to the process; empty: nothing
  bool operator==(const ServerConfig&) const = default;
};

struct BindAddress {
  Endpoint endpoint;
  bool is_any_family = false;  // ":80": IPv4 and IPv6
  std::string text;            // as written
  bool operator==(const BindAddress&) const = default;
};

enum class ClientIpFrom : std::uint8_t { kXForwardedFor, kForwarded };

struct ListenerConfig {
  std::string name;
  std::vector<BindAddress> bind;
  std::vector<Cidr> trusted_proxies;
  ClientIpFrom client_ip_from = ClientIpFrom::kXForwardedFor;
  std::vector<std::string> upgrades = {"websocket"};  // lower case
  bool defer_accept = true;
  Place place;
};

// One line of [admin] token_file.
struct AdminToken {
  std::string name;    // for the audit
  std::string secret;  // never empty
  bool operator==(const AdminToken&) const = default;
};

struct AdminConfig {
  std::vector<BindAddress> bind;   // without a token_file loopback or unix only
  std::string token_file;          // absolute or relative to the process; empty: none
  std::vector<std::string> hosts;  // lower case
  std::vector<AdminToken> tokens;  // of token_file
};

struct MetricsConfig {
  std::vector<BindAddress> bind;
  unsigned max_routes = 1000;  // series of their own, of routes and of pools each
};

struct RoutesConfig {
  std::vector<std::string> files;  // globs, absolute or relative to the process after resolution
  bool watch = true;
  unsigned max_removed_percent = 20;  // 100: nothing is held back
};

// All of [timeouts] that concern the client side and the process.
struct TimeoutConfig {
  Duration request_head = std::chrono::seconds(10);
  Duration client_idle = std::chrono::seconds(75);
  Duration client_body = std::chrono::seconds(30);
  Duration client_write = std::chrono::seconds(30);
  Duration client_fin = std::chrono::seconds(1);
};

// Those that a pool may override; in PoolConfig they are final.
struct PoolTimeouts {
  Duration connect = std::chrono::seconds(2);
  Duration backend_write = std::chrono::seconds(30);
  Duration response_head = std::chrono::seconds(60);
  Duration backend_body = std::chrono::seconds(60);
  Duration request{};  // 0 = no limit
  Duration retry_window = std::chrono::seconds(10);
  Duration tunnel_idle = std::chrono::hours(1);
  Duration backend_idle = std::chrono::seconds(15);
  bool operator==(const PoolTimeouts&) const = default;
};

struct LimitConfig {
  std::size_t request_line_bytes = 8 * 1024;
  std::size_t head_bytes = 32 * 1024;
  std::size_t headers = 100;
};

struct AccessTarget {
  enum class Kind : std::uint8_t { kOff, kStdout, kFile };
  Kind kind = Kind::kOff;
  std::string path;  // of a file
  bool operator==(const AccessTarget&) const = default;
};
enum class AccessFormat : std::uint8_t { kLogfmt, kJson, kCombined };
struct LogConfig {
  LogLevel level = LogLevel::kInfo;
  LogFormat format = LogFormat::kLogfmt;
  AccessTarget access;
  AccessFormat access_format = AccessFormat::kLogfmt;
  bool query = false;  // requests' queries appear in the access log
};

enum class Balance : std::uint8_t { kLeastLoaded, kRoundRobin, kLeastRequests };

enum class HealthKind : std::uint8_t { kHttp, kTcp };

// An active health check.
struct HealthConfig {
  HealthKind kind = HealthKind::kHttp;
  std::string path;  // of kHttp, as sent
  Duration interval = std::chrono::seconds(5);
  Duration timeout = std::chrono::seconds(2);  // the whole check
  unsigned rise = 2;                           // successes in sequence that bring a backend back
  unsigned fall = 3;                           // failures in sequence that take it out
  std::string status = "200-399";              // ranges, without spaces: "200-299,404"
  std::string host;                            // Host sent; empty: the pool's, else the address
  std::string body;                            // a text that the body holds; empty: any body
  bool operator==(const HealthConfig&) const = default;
};

struct BackendConfig {
  Endpoint endpoint;
  Place place;
  unsigned weight = 1;     // its share of requests, in proportion to the others'
  bool is_backup = false;  // gets requests only while no other backend is usable
};

struct PoolConfig {
  std::string name;
  std::vector<BackendConfig> backends;
  Balance balance = Balance::kLeastLoaded;
  bool keepalive = true;
  unsigned max_idle = 32;  // per backend and worker
  unsigned retries = 2;
  unsigned retry_budget_percent = 20;
  std::shared_ptr<const HealthConfig> health;  // null: no checks
  PoolTimeouts timeouts;
  std::uint64_t body_bytes = 0;  // largest request body; 0 = no limit
  std::string host;              // Host to send; empty = as received
  Place place;
};

struct RouteConfig {
  std::string name;                // label in metrics and logs; filled in when not given
  std::vector<std::string> hosts;  // as written, checked: exact, "*.x", ".x", "*"
  std::string path;  // "" = every path; begins with '/', no trailing '/' (but "/" itself is "")
  std::optional<std::string> scheme;  // "http" | "https"
  std::string pool;
  Place place;
  bool is_bad = false;  // it has errors; what is known of it holds its place
};

struct Config {
  std::string main_file;  // weir.toml's path; route files come behind it
  ServerConfig server;
  std::vector<ListenerConfig> listeners;  // in order of the file; at least one
  AdminConfig admin;
  MetricsConfig metrics;
  RoutesConfig routes;
  TimeoutConfig timeouts;
  LimitConfig limits;
  LogConfig log;
  std::vector<PageEntry> pages;  // of [pages], in order of the file
  std::vector<PoolConfig> pools;
  std::vector<std::string> bad_pools;  // names of those with errors
  bool has_unread_pools = false;       // further ones may be in what could not be read
  std::vector<RouteConfig> route_entries;
  std::vector<std::string> maps;  // map files, in order of their paths
  PoolConfig map_pool;            // what pools begin as that their lines make; without backends
};

}  // namespace weir::config
