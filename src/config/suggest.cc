#include "suggest.h"

#include <algorithm>
#include <cctype>
#include <string>
#include <utility>
#include <vector>

namespace weir::config {
namespace {

struct Word {
  std::string_view theirs;
  std::string_view ours;
};

// Of nginx, HAProxy, Traefik, Envoy, Caddy, Apache and kamal-proxy. A word may mean several things:
// the first that is legal at the place counts. Lower case, '_' for '-' and spaces.
constexpr Word kOtherProxiesWords[] = {
    // sections
    {"backend", "pool"},
    {"backends", "pool"},
    {"upstream", "pool"},
    {"upstreams", "pool"},
    {"cluster", "pool"},
    {"clusters", "pool"},
    {"service", "pool"},
    {"services", "pool"},
    {"farm", "pool"},
    {"pools", "pool"},
    {"frontend", "listener"},
    {"frontends", "listener"},
    {"listen", "listener"},
    {"listeners", "listener"},
    {"entrypoint", "listener"},
    {"entrypoints", "listener"},
    {"global", "server"},
    {"main", "server"},
    {"http", "server"},
    {"process", "server"},
    {"defaults", "pool_defaults"},
    {"default", "pool_defaults"},
    {"pool_default", "pool_defaults"},
    {"routers", "route"},
    {"router", "route"},
    {"vhost", "route"},
    {"virtualhost", "route"},
    {"location", "route"},
    {"logging", "log"},
    {"timeout", "timeouts"},
    {"limit", "limits"},
    {"stats", "admin"},
    {"api", "admin"},
    {"dashboard", "admin"},
    {"prometheus", "metrics"},
    {"errors", "pages"},
    {"errorfile", "pages"},
    {"errorfiles", "pages"},
    {"error_page", "pages"},
    {"error_pages", "pages"},
    {"resolver", "dns"},
    {"resolvers", "dns"},
    {"opentelemetry", "tracing"},
    {"otel", "tracing"},
    {"tls_certificates", "tls"},
    {"ssl", "tls"},
    {"ssl_certificate", "tls"},
    {"crt", "tls"},
    // [server]
    {"maxconn", "max_in_flight"},
    {"maxconn", "max_connections"},
    {"max_conn", "max_in_flight"},
    {"max_conn", "max_connections"},
    {"max_conns", "max_in_flight"},
    {"max_conns", "max_connections"},
    {"max_requests", "max_in_flight"},
    {"worker_connections", "max_connections"},
    {"worker_processes", "workers"},
    {"nbthread", "workers"},
    {"nbproc", "workers"},
    {"threads", "workers"},
    {"concurrency", "workers"},
    {"hard_stop_after", "drain_timeout"},
    {"worker_shutdown_timeout", "drain_timeout"},
    {"grace", "drain_notice"},
    {"gracetimeout", "drain_timeout"},
    {"grace_period", "drain_timeout"},
    {"shutdown_timeout", "drain_timeout"},
    {"requestacceptgracetimeout", "drain_notice"},
    {"uid", "user"},
    {"group", "user"},
    {"gid", "user"},
    {"server_tokens", "name"},
    {"node", "name"},
    // listeners and admin
    {"listen", "bind"},
    {"address", "bind"},
    {"addresses", "bind"},
    {"port", "bind"},
    {"ports", "bind"},
    {"set_real_ip_from", "trusted_proxies"},
    {"trustedips", "trusted_proxies"},
    {"trusted", "trusted_proxies"},
    {"trusted_proxy", "trusted_proxies"},
    {"forwardfor", "client_ip_from"},
    {"option_forwardfor", "client_ip_from"},
    {"real_ip_header", "client_ip_from"},
    {"xff", "client_ip_from"},
    {"forwarded", "client_ip_from"},
    {"upgrade", "upgrades"},
    {"websocket", "upgrades"},
    {"websockets", "upgrades"},
    {"deferred", "defer_accept"},
    {"accept_proxy", "proxy_protocol"},
    {"proxyprotocol", "proxy_protocol"},
    {"send_proxy", "proxy_protocol"},
    {"token", "token_file"},
    {"auth", "token_file"},
    {"password", "token_file"},
    // [routes]
    {"include", "files"},
    {"includes", "files"},
    {"directory", "files"},
    {"glob", "files"},
    {"globs", "files"},
    {"map", "files"},
    {"maps", "files"},
    {"use_map", "files"},
    {"inotify", "watch"},
    {"reload", "watch"},
    // [timeouts]; prefixes and suffixes that say "timeout" are stripped first
    {"server", "response_head"},
    {"read", "response_head"},
    {"proxy_read", "response_head"},
    {"response", "response_head"},
    {"responseheader", "response_head"},
    {"backend", "response_head"},
    {"proxy_connect", "connect"},
    {"dial", "connect"},
    {"proxy_send", "backend_write"},
    {"client", "client_body"},
    {"client_header", "request_head"},
    {"http_request", "request_head"},
    {"readheader", "request_head"},
    {"http_keep_alive", "client_idle"},
    {"keepalive", "client_idle"},
    {"keep_alive", "client_idle"},
    {"idle", "client_idle"},
    {"send", "client_write"},
    {"write", "client_write"},
    {"client_fin", "client_fin"},
    {"tunnel", "tunnel_idle"},
    {"websocket", "tunnel_idle"},
    {"stream_idle", "tunnel_idle"},
    {"idleconn", "backend_idle"},
    {"pool_purge_delay", "backend_idle"},
    {"queue", "queue"},
    {"total", "request"},
    {"retry", "retry_window"},
    {"proxy_next_upstream", "retry_window"},
    // [limits]
    {"client_max_body_size", "body_bytes"},
    {"max_body_size", "body_bytes"},
    {"maxrequestbodybytes", "body_bytes"},
    {"limitrequestbody", "body_bytes"},
    {"max_request_body", "body_bytes"},
    {"body", "body_bytes"},
    {"body_size", "body_bytes"},
    {"large_client_header_buffers", "head_bytes"},
    {"client_header_buffer_size", "head_bytes"},
    {"tune.bufsize", "head_bytes"},
    {"bufsize", "head_bytes"},
    {"header_bytes", "head_bytes"},
    {"max_header_bytes", "head_bytes"},
    {"max_headers", "headers"},
    {"tune.http.maxhdr", "headers"},
    {"maxhdr", "headers"},
    {"limitrequestfields", "headers"},
    {"limitrequestline", "request_line_bytes"},
    {"max_uri", "request_line_bytes"},
    // [log]
    {"access_log", "access"},
    {"accesslog", "access"},
    {"customlog", "access"},
    {"log_format", "access_format"},
    {"logformat", "access_format"},
    {"loglevel", "level"},
    {"log_level", "level"},
    {"verbosity", "level"},
    {"error_log", "level"},
    {"err", "error"},
    {"crit", "error"},
    {"emerg", "error"},
    {"alert", "error"},
    {"fatal", "error"},
    {"warning", "warn"},
    {"notice", "info"},
    {"trace", "debug"},
    {"common", "combined"},
    {"clf", "combined"},
    {"text", "logfmt"},
    {"httplog", "logfmt"},
    {"none", "off"},
    {"false", "off"},
    {"true", "stdout"},
    {"on", "stdout"},
    {"/dev/stdout", "stdout"},
    // pools
    {"server", "backends"},
    {"servers", "backends"},
    {"upstream", "backends"},
    {"upstreams", "backends"},
    {"target", "backends"},
    {"targets", "backends"},
    {"endpoint", "backends"},
    {"endpoints", "backends"},
    {"hosts", "backends"},
    {"members", "backends"},
    {"nodes", "backends"},
    {"balancemember", "backends"},
    {"balancer", "balance"},
    {"lb", "balance"},
    {"lb_policy", "balance"},
    {"lbmethod", "balance"},
    {"load_balancing", "balance"},
    {"algorithm", "balance"},
    {"strategy", "balance"},
    {"method", "balance"},
    {"hash", "hash_on"},
    {"hash_type", "hash_on"},
    {"cookie", "sticky"},
    {"stickiness", "sticky"},
    {"sticky_cookie", "sticky"},
    {"stick_table", "sticky"},
    {"http_reuse", "keepalive"},
    {"keep_alive", "keepalive"},
    {"keepalive_connections", "max_idle"},
    {"pool_max_conn", "max_idle"},
    {"maxidleconnsperhost", "max_idle"},
    {"max_idle_conns", "max_idle"},
    {"maxqueue", "queue"},
    {"retry", "retries"},
    {"attempts", "retries"},
    {"max_retries", "retries"},
    {"max_fails", "outlier"},
    {"outlier_detection", "outlier"},
    {"observe", "outlier"},
    {"circuit_breaker", "outlier"},
    {"check", "health"},
    {"httpchk", "health"},
    {"option_httpchk", "health"},
    {"health_check", "health"},
    {"health_checks", "health"},
    {"healthcheck", "health"},
    {"healthchecks", "health"},
    {"active_health_check", "health"},
    {"slowstart", "slow_start"},
    {"fallback", "when_down"},
    {"host_header", "host"},
    {"passhostheader", "host"},
    {"proxy_set_header", "host"},
    {"upstream_host", "host"},
    {"addr", "address"},
    {"url", "address"},
    {"ip", "address"},
    {"host", "address"},
    {"down", "when_down"},
    {"uri", "path"},
    {"inter", "interval"},
    {"rise_count", "rise"},
    {"passes", "rise"},
    {"fails", "fall"},
    {"expect", "status"},
    // values of balance
    {"leastconn", "least_requests"},
    {"least_conn", "least_requests"},
    {"least_connections", "least_requests"},
    {"least_request", "least_requests"},
    {"lc", "least_requests"},
    {"wlc", "least_requests"},
    {"bybusyness", "least_requests"},
    {"byrequests", "round_robin"},
    {"roundrobin", "round_robin"},
    {"static_rr", "round_robin"},
    {"rr", "round_robin"},
    {"wrr", "round_robin"},
    {"p2c", "least_loaded"},
    {"power_of_two", "least_loaded"},
    {"ewma", "least_loaded"},
    {"least_time", "least_loaded"},
    {"source", "hash"},
    {"uri", "hash"},
    {"ip_hash", "hash"},
    {"ring_hash", "hash"},
    {"maglev", "hash"},
    {"first", "round_robin"},
    // routes
    {"proxy_pass", "pool"},
    {"proxypass", "pool"},
    {"reverse_proxy", "pool"},
    {"use_backend", "pool"},
    {"default_backend", "pool"},
    {"target", "pool"},
    {"to", "pool"},
    {"action", "pool"},
    {"server_name", "host"},
    {"servername", "host"},
    {"serveralias", "hosts"},
    {"server_names", "hosts"},
    {"domain", "host"},
    {"domains", "hosts"},
    {"hostname", "host"},
    {"hostnames", "hosts"},
    {"location", "path"},
    {"locations", "path"},
    {"prefix", "path"},
    {"path_beg", "path"},
    {"path_prefix", "path"},
    {"pathprefix", "path"},
    {"protocol", "scheme"},
    {"ssl", "scheme"},
    {"https", "scheme"},
    {"return", "respond"},
    {"static", "files"},
    {"root", "files"},
    {"file_server", "files"},
    {"rewrite", "redirect"},
    {"label", "name"},
    {"id", "name"},
    // values of other keys
    {"x_forwarded_for", "x-forwarded-for"},
    {"x_real_ip", "x-forwarded-for"},
};

// Spellings and words around the same word, so that the table needs it once.
constexpr std::string_view kPrefixes[] = {"timeout_", "option_", "proxy_", "max_"};
constexpr std::string_view kSuffixes[] = {"_timeout", "timeout", "_secs", "_ms", "s"};

std::string normal_form(std::string_view word) {
  std::string out;
  for (char c : word) {
    bool is_gap = c == '-' || c == ' ' || c == '_';
    if (is_gap && !out.empty() && out.back() == '_') continue;
    out += is_gap ? '_' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return out;
}

std::string_view find(std::string_view word, std::span<const std::string_view> legal) {
  auto at = std::find(legal.begin(), legal.end(), word);
  return at == legal.end() ? std::string_view() : *at;
}

std::string_view find_or_translate(std::string_view word, std::span<const std::string_view> legal) {
  if (std::string_view same = find(word, legal); !same.empty()) return same;
  for (const Word& row : kOtherProxiesWords) {
    if (row.theirs != word) continue;
    if (std::string_view ours = find(row.ours, legal); !ours.empty()) return ours;
  }
  return {};
}

// The words that are tried in turn: as written, then without the usual ornaments.
std::vector<std::string> variants(std::string_view word) {
  std::vector<std::string> all = {normal_form(word)};
  for (std::string_view prefix : kPrefixes) {
    if (all[0].size() > prefix.size() && all[0].starts_with(prefix)) {
      all.push_back(all[0].substr(prefix.size()));
    }
  }
  for (std::size_t i = 0, count = all.size(); i < count; ++i) {
    for (std::string_view suffix : kSuffixes) {
      if (all[i].size() <= suffix.size() || !all[i].ends_with(suffix)) continue;
      std::string shorter = all[i].substr(0, all[i].size() - suffix.size());
      all.push_back(std::move(shorter));
    }
  }
  return all;
}

// Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> cost(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) cost[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) cost[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      std::size_t substitution = cost[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, substitution});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
      }
    }
  }
  return cost[a.size()][b.size()];
}

}  // namespace

std::string_view translate(std::string_view word, std::span<const std::string_view> legal) {
  if (word.size() > 64) return {};
  if (std::string_view same = find(word, legal); !same.empty()) return same;
  for (const std::string& variant : variants(word)) {
    if (std::string_view found = find_or_translate(variant, legal); !found.empty()) return found;
  }
  return {};
}

std::string_view suggest(std::string_view word, std::span<const std::string_view> legal) {
  if (word.size() > 64) return {};
  if (std::string_view found = translate(word, legal); !found.empty()) return found;
  std::string normal = normal_form(word);
  std::size_t best_distance = std::min<std::size_t>(3, 1 + normal.size() / 4);
  std::string_view best;
  for (std::string_view candidate : legal) {
    std::size_t distance = edit_distance(normal, candidate);
    // One letter for another is no typing error in words as short as "fd" and "ip".
    if (distance >= std::max(normal.size(), candidate.size()) - 1) continue;
    if (distance < best_distance || (best.empty() && distance == best_distance)) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

}  // namespace weir::config
