#include <algorithm>
#include <unordered_map>

#include "fingerprint.h"
#include "version.h"

namespace weir::table {
namespace {

void append_count(std::string& out, std::string_view sign, std::size_t count, std::string_view noun,
                  std::string_view what = {}) {
  if (count == 0) return;
  if (!out.empty()) out += ", ";
  out.append(sign).append(std::to_string(count)).append(" ").append(noun);
  if (count != 1) out += 's';
  out.append(what);
}

std::vector<const backend::Backend*> sorted_backends(const backend::PoolSpec& pool) {
  std::vector<const backend::Backend*> backends;
  for (const auto& backend : pool.backends) backends.push_back(backend.get());
  std::sort(backends.begin(), backends.end());
  return backends;
}

std::size_t count_missing(const std::vector<const backend::Backend*>& all,
                          const std::vector<const backend::Backend*>& in) {
  return static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [&in](const auto* backend) {
    return !std::binary_search(in.begin(), in.end(), backend);
  }));
}

}  // namespace

std::uint64_t hash_of(const backend::PoolSettings& settings) {
  Fingerprint fingerprint;
  std::apply([&fingerprint](const auto&... setting) { (fingerprint.add(setting), ...); },
             settings_of(settings));
  if (settings.health != nullptr)
    std::apply([&fingerprint](const auto&... setting) { (fingerprint.add(setting), ...); },
               settings_of(*settings.health));
  return fingerprint.value();
}

std::uint64_t hash_of(const backend::PoolSpec& pool, std::uint64_t settings_hash) {
  Fingerprint fingerprint;
  fingerprint.add(pool.name).add(settings_hash);
  std::uint64_t backends = 0;
  for (std::size_t index = 0; index < pool.backends.size(); ++index) {
    backend::BackendTraits traits = pool.traits_of(index);
    Fingerprint one;
    one.add(pool.backends[index]->address());
    if (traits != backend::BackendTraits{}) one.add(traits.weight).add(traits.is_backup);
    backends += one.value();
  }
  return fingerprint.add(backends).value();
}

bool are_same(const backend::PoolSettings& a, const backend::PoolSettings& b) {
  bool is_checked_alike = (a.health == nullptr) == (b.health == nullptr) &&
                          (a.health == nullptr || *a.health == *b.health);
  return is_checked_alike && settings_of(a) == settings_of(b);
}

bool has_same_settings(const backend::PoolSpec& a, const backend::PoolSpec& b) {
  if (a.settings != b.settings && !are_same(*a.settings, *b.settings)) return false;
  if (a.traits.empty() && b.traits.empty()) return true;
  std::unordered_map<const backend::Backend*, backend::BackendTraits> traits;
  for (std::size_t index = 0; index < a.backends.size(); ++index)
    traits[a.backends[index].get()] = a.traits_of(index);
  for (std::size_t index = 0; index < b.backends.size(); ++index) {
    auto found = traits.find(b.backends[index].get());
    if (found != traits.end() && found->second != b.traits_of(index)) return false;
  }
  return true;
}

bool Difference::is_empty() const { return *this == Difference(); }

std::string Difference::text() const {
  std::string out;
  append_count(out, "+", hosts_added, "host");
  append_count(out, "-", hosts_removed, "host");
  append_count(out, "", hosts_moved, "host", " moved");
  append_count(out, "", hosts_relabelled, "host", " relabelled");
  append_count(out, "+", pools_added, "pool");
  append_count(out, "-", pools_removed, "pool");
  if (pools_changed == 1)
    out.append(out.empty() ? "pool " : ", pool ").append(changed_pool).append(" changed");
  else
    append_count(out, "", pools_changed, "pool", " changed");
  append_count(out, "+", backends_added, "backend");
  append_count(out, "", backends_removed, "backend", " drained");
  return out.empty() ? "no change" : out;
}

bool has_same_defaults(const config::PoolConfig& a, const config::PoolConfig& b) {
  bool is_checked_alike =
      (a.health == nullptr) == (b.health == nullptr) && (a.health == nullptr || *a.health == *b.health);
  return is_checked_alike && settings_of(a) == settings_of(b);
}

std::vector<config::Setting> pool_settings(const backend::PoolSpec& pool) {
  const backend::PoolSettings& settings = *pool.settings;
  if (are_same(settings, *backend::usual_settings())) return {};
  config::PoolConfig config;
  config.balance = settings.balance;
  config.keepalive = settings.keepalive;
  config.max_idle = settings.max_idle;
  config.retries = settings.retries;
  config.retry_budget_percent = settings.retry_budget_percent;
  config.health = settings.health;
  config.timeouts = settings.timeouts;
  config.body_bytes = settings.body_bytes;
  config.host = settings.host;
  return config::pool_settings(config);
}

void compare_pools(const backend::PoolSet& before, const backend::PoolSet& after,
                   Difference& difference) {
  after.all().for_each_difference(before.all(), [&](std::size_t id) {
    auto old = before.find(static_cast<backend::PoolId>(id));
    auto pool = after.find(static_cast<backend::PoolId>(id));
    if (old == pool) return;
    if (!old) {
      ++difference.pools_added;
      difference.backends_added += pool->backends.size();
      return;
    }
    if (!pool) {
      ++difference.pools_removed;
      difference.backends_removed += old->backends.size();
      return;
    }
    if (!has_same_settings(*old, *pool)) {
      ++difference.pools_changed;
      difference.changed_pool = pool->name.str();
    }
    auto old_backends = sorted_backends(*old);
    auto backends = sorted_backends(*pool);
    difference.backends_added += count_missing(backends, old_backends);
    difference.backends_removed += count_missing(old_backends, backends);
  });
}

}  // namespace weir::table
