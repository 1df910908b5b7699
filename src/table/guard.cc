#include "guard.h"

#include <algorithm>
#include <set>

#include "table_hosts.h"

namespace weir::table {
namespace {

using route::RouteTable;

// Numbers by source.
class Counts {
 public:
  void add(SourceNumber source, std::size_t count = 1) {
    if (source >= counts_.size()) counts_.resize(source + 1);
    counts_[source] += count;
    all_ += count;
  }
  std::size_t of(SourceNumber source) const {
    return source < counts_.size() ? counts_[source] : 0;
  }
  std::size_t all() const { return all_; }

 private:
  std::vector<std::size_t> counts_;
  std::size_t all_ = 0;
};

struct HostCounts {
  Counts by_source;     // a host with routes of two counts for both
  std::size_t all = 0;
};

HostCounts count_hosts(const RouteTable& table) {
  HostCounts counts;
  for_each_host(table, [&](const std::string&, const std::vector<SourceNumber>& origins) {
    if (has_stale(origins)) return;
    ++counts.all;
    for (SourceNumber origin : origins) counts.by_source.add(origin);
  });
  return counts;
}

struct LostHost {
  std::string host;
  std::vector<SourceNumber> origins;
};

// What is a list of 503s alone is no loss.
bool is_served(const std::vector<RouteTable::Item>& routes) {
  return std::any_of(routes.begin(), routes.end(), [](const RouteTable::Item& item) {
    return item.route->action != route::Route::Action::kQuarantined;
  });
}

std::vector<LostHost> find_lost(RouteBook& routes) {
  std::vector<LostHost> lost;
  std::vector<std::string> back;
  for (const std::string& host : routes.touched()) {
    auto now = routes.editor().routes_of(host);
    auto is_good = [&](const auto& route) {
      return !is_stale_origin(route.placed.origin) &&
             routes.targets().at(route.placed.route).is_resolved;
    };
    if (routes.stale() > 0 && std::any_of(now.begin(), now.end(), is_good)) back.push_back(host);
    if (!now.empty()) continue;
    std::vector<RouteTable::Item> then = routes.base().routes_of(host);
    if (!is_served(then)) continue;
    LostHost& entry = lost.emplace_back(LostHost{host, {}});
    for (const RouteTable::Item& item : then)
      if (std::find(entry.origins.begin(), entry.origins.end(), item.placed.origin) ==
          entry.origins.end())
        entry.origins.push_back(item.placed.origin);
  }
  for (const std::string& host : back) routes.release(host);
  return lost;
}

}  // namespace

void guard_hosts(RouteBook& routes, unsigned max_percent) {
  std::vector<LostHost> lost = find_lost(routes);
  if (lost.size() <= kMinHeldBack) return;
  HostCounts had = count_hosts(routes.base());
  Counts lost_by_source;
  for (const LostHost& host : lost)
    for (SourceNumber origin : host.origins) lost_by_source.add(origin);
  bool is_all = is_too_much(lost.size(), had.all, max_percent);
  for (const LostHost& host : lost) {
    bool is_of_file =
        std::any_of(host.origins.begin(), host.origins.end(), [&](SourceNumber origin) {
          return is_too_much(lost_by_source.of(origin), had.by_source.of(origin), max_percent);
        });
    if (is_all || is_of_file) routes.hold(host.host);
  }
}

bool BackendGuard::is_held(const std::string& pool, const Endpoint& backend) const {
  auto held = held_.find(pool);
  return held != held_.end() && std::find(held->second.begin(), held->second.end(), backend) !=
                                    held->second.end();
}

void BackendGuard::set_source(PoolBook::PoolId id, SourceNumber source) {
  if (id >= sources_.size()) sources_.resize(id + 1);
  sources_[id] = source;
}

// A pool in which others come in place of those that go has lost nothing: so it is deployed.
BackendGuard::Loss BackendGuard::loss_of(const PoolBook& pools, const config::PoolConfig& pool,
                                         PoolBook::PoolId id) const {
  Loss loss{&pool, source_of(id), {}, 0};
  const auto& before = pools.at(id).backends;
  bool is_same = std::equal(before.begin(), before.end(), pool.backends.begin(),
                            pool.backends.end(), [](const auto& backend, const auto& entry) {
                              return backend->endpoint() == entry.endpoint;
                            });
  if (is_same) return loss;
  std::set<Endpoint> now;
  for (const config::BackendConfig& backend : pool.backends) now.insert(backend.endpoint);
  std::size_t stay = 0;
  for (const auto& backend : before) {
    if (now.contains(backend->endpoint()))
      ++stay;
    else if (!is_held(pool.name, backend->endpoint()))
      loss.backends.push_back(backend->endpoint());
  }
  std::size_t came = now.size() - stay;
  loss.counts = loss.backends.size() - std::min(came, loss.backends.size());
  return loss;
}

void BackendGuard::decide(const PoolBook& pools, const std::vector<Next>& next,
                          unsigned max_percent, bool is_forced) {
  if (is_forced) return held_.clear();
  std::vector<Loss> losses;
  Counts lost;
  for (const Next& entry : next) {
    std::optional<PoolBook::PoolId> id = pools.find(entry.pool->name);
    if (!id) continue;
    // Those that the file has again.
    if (auto held = held_.find(entry.pool->name); held != held_.end()) {
      for (const config::BackendConfig& backend : entry.pool->backends)
        std::erase(held->second, backend.endpoint);
      if (held->second.empty()) held_.erase(held);
    }
    Loss loss = loss_of(pools, *entry.pool, *id);
    if (loss.counts == 0) continue;
    lost.add(loss.source, loss.counts);
    losses.push_back(std::move(loss));
  }
  if (lost.all() <= kMinHeldBack) return;
  Counts had;
  pools.for_each_defined([&](const backend::PoolSpec& pool) {
    auto held = held_.find(pool.name.str());
    had.add(source_of(pool.id),
            pool.backends.size() - (held == held_.end() ? 0 : held->second.size()));
  });
  bool is_all = is_too_much(lost.all(), had.all(), max_percent);
  for (const Loss& loss : losses) {
    if (!is_all && !is_too_much(lost.of(loss.source), had.of(loss.source), max_percent)) continue;
    std::vector<Endpoint>& held = held_[loss.pool->name];
    held.insert(held.end(), loss.backends.begin(), loss.backends.end());
  }
}

void BackendGuard::complete(const PoolBook& pools, config::PoolConfig& pool,
                            const std::function<bool(const Endpoint&)>& may_be) {
  auto held = held_.find(pool.name);
  if (held == held_.end()) return;
  std::erase_if(held->second, [&](const Endpoint& endpoint) { return !may_be(endpoint); });
  const backend::PoolSpec& before = pools.at(*pools.find(pool.name));
  for (std::size_t index = 0; index < before.backends.size(); ++index) {
    const Endpoint& endpoint = before.backends[index]->endpoint();
    if (!is_held(pool.name, endpoint)) continue;
    config::BackendConfig backend;
    backend.endpoint = endpoint;
    backend.weight = before.traits_of(index).weight;
    backend.is_backup = before.traits_of(index).is_backup;
    pool.backends.push_back(std::move(backend));
  }
  if (held->second.empty()) held_.erase(held);
}

}  // namespace weir::table
