#pragma once
// The key tables: every key of CONTRACT §2, its field, its notation, its default. A new key is one
// field in config.h, one row here and one line in conf/weir.toml (tests/unit/config/schema_test.cc
// compares them). Longer than other headers, so that all of it can be read in one place.
#include <iterator>

#include "addresses.h"
#include "codecs.h"
#include "health.h"
#include "rows.h"
#include "texts.h"
#include "weir/config/config.h"

namespace weir::config {

inline constexpr std::uint64_t kMaxBytes = std::uint64_t{1} << 62;
inline constexpr unsigned kMaxWorkers = 1024;
inline constexpr unsigned kMaxWeight = 256;
inline constexpr unsigned kMaxConnections = 100'000'000;

// ---- [server]
inline constexpr Key<ServerConfig> kServerKeys[] = {
    key<&ServerConfig::name, Token>("name"),
    key<&ServerConfig::workers, Count<0, kMaxWorkers>>("workers"),
    key<&ServerConfig::max_connections, Count<0, kMaxConnections>>("max_connections"),
    key<&ServerConfig::drain_notice, Span>("drain_notice"),
    key<&ServerConfig::drain_timeout, Span>("drain_timeout"),
    key<&ServerConfig::user, UserName>("user"),
    later<ServerConfig, Text>("secret_file", R"("")"),
    later<ServerConfig, Percent>("pool_share", R"("50%")"),
    key<&ServerConfig::state_dir, FolderPath>("state_dir"),
};

// ---- [listener.NAME]
inline constexpr Choice<ClientIpFrom> kClientIpFrom[] = {
    {"x-forwarded-for", ClientIpFrom::kXForwardedFor}, {"forwarded", ClientIpFrom::kForwarded}};
inline constexpr Choice<bool> kProxyProtocol[] = {{"off", false}, {"required", true, false}};

inline constexpr Key<ListenerConfig> kListenerKeys[] = {
    example<&ListenerConfig::bind, BindList>("bind"),
    key<&ListenerConfig::trusted_proxies, CidrList>("trusted_proxies"),
    key<&ListenerConfig::client_ip_from, OneOf<kClientIpFrom>>("client_ip_from"),
    key<&ListenerConfig::upgrades, Upgrades>("upgrades"),
    key<&ListenerConfig::defer_accept, Flag>("defer_accept"),
    later<ListenerConfig, OneOf<kProxyProtocol>>("proxy_protocol", R"("off")"),
    never<ListenerConfig>("tls"),
};

// ---- [admin], [metrics]
inline constexpr Key<AdminConfig> kAdminKeys[] = {
    key<&AdminConfig::bind, OptionalBindList>("bind"),
    key<&AdminConfig::token_file, FilePath>("token_file"),
    key<&AdminConfig::hosts, HostNames>("hosts"),
};
inline constexpr Key<MetricsConfig> kMetricsKeys[] = {
    key<&MetricsConfig::bind, OptionalBindList>("bind"),
    key<&MetricsConfig::max_routes, Count<0, 1'000'000>>("max_routes"),
};

// ---- [routes]
inline constexpr Key<RoutesConfig> kRoutesKeys[] = {
    key<&RoutesConfig::files, RouteFiles>("files"),
    key<&RoutesConfig::watch, Flag>("watch"),
    key<&RoutesConfig::max_removed_percent, RemovedShare>("max_removed"),
};

// ---- [timeouts], and those of a pool
inline constexpr Key<TimeoutConfig> kClientTimeoutKeys[] = {
    key<&TimeoutConfig::request_head, Timer>("request_head"),
    key<&TimeoutConfig::client_idle, Timer>("client_idle"),
    key<&TimeoutConfig::client_body, Timer>("client_body"),
    key<&TimeoutConfig::client_write, Timer>("client_write"),
    key<&TimeoutConfig::client_fin, Span>("client_fin"),
};
inline constexpr Key<PoolTimeouts> kPoolTimeoutKeys[] = {
    key<&PoolTimeouts::connect, Timer>("connect"),
    key<&PoolTimeouts::backend_write, Timer>("backend_write"),
    key<&PoolTimeouts::response_head, Timer>("response_head"),
    key<&PoolTimeouts::backend_body, Timer>("backend_body"),
    key<&PoolTimeouts::request, Span>("request"),
    key<&PoolTimeouts::retry_window, Timer>("retry_window"),
    key<&PoolTimeouts::tunnel_idle, Timer>("tunnel_idle"),
    key<&PoolTimeouts::backend_idle, Timer>("backend_idle"),
};

// ---- [limits], and those of a pool
inline constexpr Key<LimitConfig> kLimitKeys[] = {
    key<&LimitConfig::request_line_bytes, Size<std::size_t, 64, 1 << 20>>("request_line_bytes"),
    key<&LimitConfig::head_bytes, Size<std::size_t, 256, 1 << 20>>("head_bytes"),
    key<&LimitConfig::headers, CountOf<std::size_t, 1, 10'000>>("headers"),
};
inline constexpr Key<PoolConfig> kPoolLimitKeys[] = {
    key<&PoolConfig::body_bytes, Size<std::uint64_t, 0, kMaxBytes>>("body_bytes"),
};

// ---- [log]
inline constexpr Choice<LogLevel> kLogLevels[] = {{"error", LogLevel::kError},
                                                  {"warn", LogLevel::kWarn},
                                                  {"info", LogLevel::kInfo},
                                                  {"debug", LogLevel::kDebug}};
inline constexpr Choice<LogFormat> kLogFormats[] = {{"logfmt", LogFormat::kLogfmt},
                                                    {"json", LogFormat::kJson}};
inline constexpr Choice<AccessFormat> kAccessFormats[] = {{"logfmt", AccessFormat::kLogfmt},
                                                          {"json", AccessFormat::kJson},
                                                          {"combined", AccessFormat::kCombined}};

inline constexpr Key<LogConfig> kLogKeys[] = {
    key<&LogConfig::level, OneOf<kLogLevels>>("level"),
    key<&LogConfig::format, OneOf<kLogFormats>>("format"),
    key<&LogConfig::access, LogTarget>("access"),
    key<&LogConfig::access_format, OneOf<kAccessFormats>>("access_format"),
    key<&LogConfig::query, Flag>("query"),
};

// ---- [dns], [tracing]
inline constexpr Key<Nothing> kDnsKeys[] = {later<Nothing, TextList>("servers", "[]")};
inline constexpr Key<Nothing> kTracingKeys[] = {
    later<Nothing, Text>("endpoint", R"("")"),
    later<Nothing, Text>("sample", R"("1/100")"),
};

// ---- [pool_defaults], [pool.NAME]
inline constexpr Choice<Balance> kBalances[] = {{"least_loaded", Balance::kLeastLoaded},
                                                {"round_robin", Balance::kRoundRobin},
                                                {"least_requests", Balance::kLeastRequests},
                                                {"random", Balance::kLeastLoaded, false},
                                                {"hash", Balance::kLeastLoaded, false}};
inline constexpr Choice<int> kWhenDown[] = {{"fail", 0}, {"open", 1, false}, {"hold", 2, false}};

inline constexpr Key<Nothing> kQueueKeys[] = {
    later<Nothing, Count<0, 1'000'000>>("size", "1000"),
    later<Nothing, Timer>("timeout", R"("10s")"),
};
inline constexpr Key<Nothing> kOutlierKeys[] = {
    later<Nothing, Count<1, 1'000'000>>("consecutive_failures", "5"),
    later<Nothing, Timer>("ejection", R"("10s")"),
};
inline constexpr Key<Nothing> kHoldKeys[] = {
    later<Nothing, Timer>("timeout", R"("60s")"),
    later<Nothing, Text>("wake", R"("")"),
    later<Nothing, Count<0, 1'000'000>>("max_waiting", "1000"),
    later<Nothing, TextList>("ignore", "[]"),
};

inline constexpr Key<PoolConfig> kPoolKeys[] = {
    example<&PoolConfig::backends, BackendList>("backends"),
    key<&PoolConfig::balance, OneOf<kBalances>>("balance"),
    later<PoolConfig, HashOn>("hash_on", R"("client_ip")"),
    later<PoolConfig, Text>("sticky", R"("")"),
    key<&PoolConfig::keepalive, KeepaliveFlag>("keepalive"),
    key<&PoolConfig::max_idle, Count<0, 1'000'000>>("max_idle"),
    later<PoolConfig, Count<0, 100'000'000>>("max_in_flight", "0"),
    later_table<PoolConfig, kQueueKeys>("queue"),
    key<&PoolConfig::retries, Count<0, 100>>("retries"),
    key<&PoolConfig::retry_budget_percent, Percent>("retry_budget"),
    key<&PoolConfig::health, Health>("health"),
    later_table<PoolConfig, kOutlierKeys>("outlier"),
    later<PoolConfig, Span>("slow_start", R"("0s")"),
    later<PoolConfig, OneOf<kWhenDown>>("when_down", R"("fail")"),
    later_table<PoolConfig, kHoldKeys>("hold"),
    nested_in<&PoolConfig::timeouts, kPoolTimeoutKeys>("timeouts"),
    nested<PoolConfig, kPoolLimitKeys>("limits"),
    key<&PoolConfig::host, HostHeader>("host"),
};

// One backend in its long form; its address is read by BackendList.
struct BackendTable {
  std::string address;
  unsigned weight = 1;
  bool backup = false;
};
inline constexpr Key<BackendTable> kBackendKeys[] = {
    example<&BackendTable::address, AnyValue>("address"),
    key<&BackendTable::weight, Count<1, kMaxWeight>>("weight"),
    key<&BackendTable::backup, Flag>("backup"),
};

// ---- [[route]]
struct RouteDraft {
  std::string name;
  std::vector<std::string> host;  // one, or none
  std::vector<std::string> hosts;
  std::string path;
  std::optional<std::string> scheme;
  std::string pool;
};
inline constexpr Key<RouteDraft> kRouteKeys[] = {
    key<&RouteDraft::name, Label>("name"),
    example<&RouteDraft::host, RouteHost>("host"),
    example<&RouteDraft::hosts, RouteHosts>("hosts"),
    example<&RouteDraft::path, RoutePath>("path"),
    example<&RouteDraft::scheme, RouteScheme>("scheme"),
    example<&RouteDraft::pool, Text>("pool"),
    never<RouteDraft>("redirect"),
    later<RouteDraft, Count<300, 399>>("status", "302"),
    never<RouteDraft>("respond"),
    never<RouteDraft>("hold"),
    never<RouteDraft>("files"),
};

}  // namespace weir::config
