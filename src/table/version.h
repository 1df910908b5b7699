#pragma once
// How two versions' pools are compared, and what of them is contents.
#include <cstdint>
#include <tuple>
#include <type_traits>
#include <vector>

#include "weir/backend/pool.h"
#include "weir/table/build.h"

namespace weir::table {

// Everything of a pool that an administrator sets, but its backends. The one list of these: it
// decides what a change is, and what the content hash covers; a check's are behind it.
template <typename Pool>
auto settings_of(Pool& pool) {
  auto& timeouts = pool.timeouts;
  return std::tie(pool.balance, pool.keepalive, pool.max_idle, pool.retries,
                  pool.retry_budget_percent, pool.body_bytes, pool.host, timeouts.connect,
                  timeouts.backend_write, timeouts.response_head, timeouts.backend_body,
                  timeouts.request, timeouts.retry_window, timeouts.tunnel_idle,
                  timeouts.backend_idle);
}

template <typename Health>
requires std::is_same_v<std::remove_const_t<Health>, config::HealthConfig>
auto settings_of(Health& health) {
  return std::tie(health.kind, health.path, health.interval, health.timeout, health.rise,
                  health.fall, health.status, health.host, health.body);
}

// Whether all of that is equal, and the checks are.
bool are_same(const backend::PoolSettings& a, const backend::PoolSettings& b);
// The same of two versions, with the traits of backends that both have.
bool has_same_settings(const backend::PoolSpec& a, const backend::PoolSpec& b);

// Of contents; `settings_hash`: of the pool's settings, which many share.
std::uint64_t hash_of(const backend::PoolSettings& settings);
std::uint64_t hash_of(const backend::PoolSpec& pool, std::uint64_t settings_hash);

// Whether pools that begin so are alike.
bool has_same_defaults(const config::PoolConfig& a, const config::PoolConfig& b);

// Counts pools and backends. Backends are the same when they are the same objects.
void compare_pools(const backend::PoolSet& before, const backend::PoolSet& after,
                   Difference& difference);

}  // namespace weir::table
