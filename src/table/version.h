#pragma once
// What the builder remembers of a version to tell what the next one changes, and how it compares
// two. A host is kept as three numbers only: there may be a million.
#include <cstdint>
#include <tuple>
#include <vector>

#include "weir/backend/pool.h"
#include "weir/table/build.h"

namespace weir::table {

// Hashes of a host's pattern and of its routes in any order: where they lead and what they are
// called.
struct HostSummary {
  std::uint64_t host = 0;
  std::uint64_t pools = 0;
  std::uint64_t labels = 0;
};

// Makes one summary a host from one an entry; sorted by host.
void merge_by_host(std::vector<HostSummary>& summaries);

// Everything of a pool that an administrator sets, but its backends. The one list of these: it
// decides what a change is, and what the content hash covers; a check's are behind it.
inline auto settings_of(const backend::PoolSpec& pool) {
  const config::PoolTimeouts& timeouts = pool.timeouts;
  return std::tie(pool.balance, pool.keepalive, pool.max_idle, pool.retries,
                  pool.retry_budget_percent, pool.body_bytes, pool.host, timeouts.connect,
                  timeouts.backend_write, timeouts.response_head, timeouts.backend_body,
                  timeouts.request, timeouts.retry_window, timeouts.tunnel_idle,
                  timeouts.backend_idle);
}

inline auto settings_of(const config::HealthConfig& health) {
  return std::tie(health.kind, health.path, health.interval, health.timeout, health.rise,
                  health.fall, health.status, health.host, health.body);
}

// Whether all of that is equal, with the checks and the traits of backends that both have.
bool has_same_settings(const backend::PoolSpec& a, const backend::PoolSpec& b);

// The content hash (Tables::hash). `hosts` are merged.
std::uint64_t hash_of(const std::vector<HostSummary>& hosts, const backend::PoolSet& pools);

// Counts hosts; both are merged.
void compare_hosts(const std::vector<HostSummary>& before, const std::vector<HostSummary>& after,
                   Difference& difference);
// Counts pools and backends. Backends are the same when they are the same objects.
void compare_pools(const backend::PoolSet& before, const backend::PoolSet& after,
                   Difference& difference);

}  // namespace weir::table
