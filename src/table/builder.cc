#include <algorithm>
#include <optional>
#include <set>
#include <tuple>
#include <unordered_map>

#include "fingerprint.h"
#include "own_listener.h"
#include "version.h"
#include "weir/table/build.h"

namespace weir::table {
namespace {

using backend::Backend;
using backend::PoolId;
using backend::PoolSet;
using backend::PoolSpec;
using config::Diagnostic;

std::string quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

std::uint64_t summary_of_target(const route::Route& route, std::string_view target) {
  Fingerprint fingerprint;
  fingerprint.add(route.path).add(route.scheme ? static_cast<int>(*route.scheme) : 2);
  return fingerprint.add(target).value();
}

std::optional<http::Scheme> scheme_of(const config::RouteConfig& entry) {
  if (!entry.scheme) return std::nullopt;
  return *entry.scheme == "https" ? http::Scheme::kHttps : http::Scheme::kHttp;
}

// "www.example.com/api (https)"
std::string key_text(const route::Route& route) {
  std::string text = route.host + route.path;
  if (route.scheme) text.append(" (").append(http::name_of(*route.scheme)).append(")");
  return text;
}

void sort_by_place(std::vector<Diagnostic>& errors) {
  auto key = [](const Diagnostic& error) {
    return std::tie(error.place.file, error.place.line, error.place.column);
  };
  std::stable_sort(errors.begin(), errors.end(),
                   [key](const auto& a, const auto& b) { return key(a) < key(b); });
}

// The ids of the pools of one configuration: known names keep theirs, new ones get the next.
// Nothing is remembered until the build has succeeded.
class PoolIds {
 public:
  PoolIds(const std::map<std::string, PoolId>& known, const config::Config& config)
      : size_(known.size()) {
    for (const config::PoolConfig& pool : config.pools) {
      if (ids_.contains(pool.name)) continue;
      auto old = known.find(pool.name);
      ids_[pool.name] = old != known.end() ? old->second : static_cast<PoolId>(size_++);
    }
  }
  std::optional<PoolId> find(std::string_view name) const {
    auto found = ids_.find(name);
    return found == ids_.end() ? std::nullopt : std::optional(found->second);
  }
  // One more than the highest id ever given.
  std::size_t size() const { return size_; }

 private:
  std::size_t size_;
  std::unordered_map<std::string_view, PoolId> ids_;
};

std::vector<Diagnostic> check_pools(const config::Config& config) {
  std::vector<Diagnostic> errors;
  std::map<std::string_view, const config::PoolConfig*> seen;
  for (const config::PoolConfig& pool : config.pools) {
    auto [earlier, is_new] = seen.emplace(pool.name, &pool);
    if (!is_new) {
      errors.push_back({pool.place, "pool " + quoted(pool.name) + " is already defined at " +
                                        earlier->second->place.text()});
    }
    std::set<Endpoint> endpoints;
    for (const config::BackendConfig& backend : pool.backends) {
      if (!endpoints.insert(backend.endpoint).second) {
        errors.push_back({backend.place, "backend " + backend.endpoint.text() +
                                             " is listed twice in pool " + quoted(pool.name)});
      }
      std::optional<std::string> listener = find_own_listener(config, backend.endpoint);
      if (listener.has_value()) {
        errors.push_back(
            {backend.place, "backend " + backend.endpoint.text() + " is weir's own listener " +
                                quoted(*listener) +
                                (*listener == "admin" ? " (it is not for clients" : " (a loop") +
                                ": expected the address where the application listens)"});
      }
    }
  }
  return errors;
}

// Route entries to a route table, with the summaries of its hosts.
class RoutesBuild {
 public:
  RoutesBuild(const PoolIds& ids, std::uint64_t hash_seed) : ids_(ids), table_(hash_seed) {}

  void add(const config::RouteConfig& entry) {
    std::optional<PoolId> pool = ids_.find(entry.pool);
    if (!pool) errors_.push_back({entry.place, "there is no pool " + quoted(entry.pool)});
    for (const std::string& host : entry.hosts) {
      Result<std::string> pattern = route::canonical_host_pattern(host);
      if (!pattern.ok()) {
        errors_.push_back({entry.place, pattern.error().message});
      } else {
        // An entry without its pool takes its place all the same, to find what is routed twice.
        add_host(entry, *std::move(pattern), pool.value_or(0));
      }
    }
  }
  // All errors; call it after the last entry.
  std::vector<Diagnostic> take_errors() {
    std::sort(sources_.begin(), sources_.end());
    for (const Duplicate& duplicate : duplicates_) {
      auto first =
          std::lower_bound(sources_.begin(), sources_.end(), Source(duplicate.first, nullptr));
      errors_.push_back({duplicate.entry->place,
                         duplicate.key + " is already routed at " + first->second->place.text()});
    }
    return std::move(errors_);
  }
  std::vector<HostSummary> take_summaries() {
    merge_by_host(summaries_);
    return std::move(summaries_);
  }
  std::shared_ptr<const route::RouteTable> table() { return table_.build(); }

 private:
  // Which entry a route is from. Sorted by route once it is needed; a map would cost more than the
  // table.
  using Source = std::pair<const route::Route*, const config::RouteConfig*>;
  struct Duplicate {
    const config::RouteConfig* entry;
    const route::Route* first;
    std::string key;
  };

  void add_host(const config::RouteConfig& entry, std::string pattern, PoolId pool) {
    auto route = std::make_shared<route::Route>();
    route->label = entry.name.empty() ? entry.pool : entry.name;
    auto next = static_cast<std::uint32_t>(label_ids_.size());
    route->label_id = label_ids_.emplace(route->label, next).first->second;
    route->host = std::move(pattern);
    route->path = entry.path;
    route->scheme = scheme_of(entry);
    route->pool = pool;
    const route::Route* first = nullptr;
    if (!table_.add(route->host, route, &first)) {
      duplicates_.push_back({&entry, first, key_text(*route)});
      return;
    }
    sources_.emplace_back(route.get(), &entry);
    summaries_.push_back({Fingerprint().add(route->host).value(),
                          summary_of_target(*route, entry.pool),
                          summary_of_target(*route, route->label)});
  }

  const PoolIds& ids_;
  std::unordered_map<std::string, std::uint32_t> label_ids_;
  route::RouteTableBuilder table_;
  std::vector<Diagnostic> errors_;
  std::vector<Source> sources_;
  std::vector<Duplicate> duplicates_;
  std::vector<HostSummary> summaries_;
};

std::shared_ptr<PoolSpec> spec_of(const config::PoolConfig& config, PoolId id) {
  auto spec = std::make_shared<PoolSpec>();
  spec->id = id;
  spec->name = config.name;
  spec->balance = config.balance;
  spec->keepalive = config.keepalive;
  spec->max_idle = config.max_idle;
  spec->retries = config.retries;
  spec->retry_budget_percent = config.retry_budget_percent;
  spec->health = config.health;
  if (config.health != nullptr && config.health->host.empty() && !config.host.empty()) {
    config::HealthConfig health = *config.health;
    health.host = config.host;
    spec->health = std::make_shared<const config::HealthConfig>(std::move(health));
  }
  spec->timeouts = config.timeouts;
  spec->body_bytes = config.body_bytes;
  spec->host = config.host;
  return spec;
}

}  // namespace

struct Builder::Impl {
  std::shared_ptr<Backend> find_or_make_backend(const std::string& pool, const Endpoint& endpoint);
  std::shared_ptr<const PoolSet> build_pools(const config::Config& config, const PoolIds& pool_ids);
  Built publish(const config::Config& config, const PoolIds& pool_ids, RoutesBuild& routes);

  unsigned workers = 0;
  std::uint64_t hash_seed = 0;
  std::uint64_t generation = 0;
  std::map<std::string, PoolId> ids;  // of every name there ever was
  // Also those that are gone from the tables while requests still hold them: they count on.
  std::map<std::pair<std::string, Endpoint>, std::weak_ptr<Backend>> backends;
  std::shared_ptr<const PoolSet> pools = std::make_shared<PoolSet>(PoolSet({}));
  std::vector<HostSummary> hosts;
};

std::shared_ptr<Backend> Builder::Impl::find_or_make_backend(const std::string& pool,
                                                             const Endpoint& endpoint) {
  std::weak_ptr<Backend>& known = backends[{pool, endpoint}];
  std::shared_ptr<Backend> backend = known.lock();
  if (backend == nullptr) {
    backend = std::make_shared<Backend>(pool, endpoint, workers);
    known = backend;
  }
  return backend;
}

std::shared_ptr<const PoolSet> Builder::Impl::build_pools(const config::Config& config,
                                                          const PoolIds& pool_ids) {
  std::vector<std::shared_ptr<const PoolSpec>> specs(pool_ids.size());
  for (const config::PoolConfig& pool : config.pools) {
    PoolId id = *pool_ids.find(pool.name);
    std::shared_ptr<PoolSpec> spec = spec_of(pool, id);
    for (const config::BackendConfig& backend : pool.backends) {
      spec->backends.push_back(find_or_make_backend(pool.name, backend.endpoint));
      backend::BackendTraits traits{backend.weight, backend.is_backup};
      // Most pools say nothing of this.
      if (traits == backend::BackendTraits{} && spec->traits.empty()) continue;
      spec->traits.resize(spec->backends.size() - 1);
      spec->traits.push_back(traits);
    }
    std::shared_ptr<const PoolSpec> old = pools->find(id);
    bool is_same = old && has_same_settings(*old, *spec) && old->backends == spec->backends;
    specs[id] = is_same ? std::move(old) : std::move(spec);
  }
  return std::make_shared<const PoolSet>(std::move(specs));
}

Builder::Built Builder::Impl::publish(const config::Config& config, const PoolIds& pool_ids,
                                      RoutesBuild& routes) {
  Built built;
  std::shared_ptr<const PoolSet> new_pools = build_pools(config, pool_ids);
  std::vector<HostSummary> new_hosts = routes.take_summaries();
  compare_hosts(hosts, new_hosts, built.difference);
  compare_pools(*pools, *new_pools, built.difference);

  auto tables = std::make_shared<Tables>();
  if (generation == 0 || !built.difference.is_empty()) ++generation;
  tables->generation = generation;
  tables->hash = hash_of(new_hosts, *new_pools);
  tables->routes = routes.table();
  tables->pools = new_pools;
  built.tables = std::move(tables);

  for (const config::PoolConfig& pool : config.pools) ids[pool.name] = *pool_ids.find(pool.name);
  pools = std::move(new_pools);
  hosts = std::move(new_hosts);
  std::erase_if(backends, [](const auto& entry) { return entry.second.expired(); });
  return built;
}

Builder::Builder(unsigned workers, std::uint64_t hash_seed) : impl_(std::make_unique<Impl>()) {
  impl_->workers = workers;
  impl_->hash_seed = hash_seed;
}
Builder::~Builder() = default;

Builder::Built Builder::build(const config::Config& config) {
  PoolIds pool_ids(impl_->ids, config);
  RoutesBuild routes(pool_ids, impl_->hash_seed);
  for (const config::RouteConfig& entry : config.route_entries) routes.add(entry);
  std::vector<Diagnostic> errors = check_pools(config);
  for (Diagnostic& error : routes.take_errors()) errors.push_back(std::move(error));
  if (errors.empty()) return impl_->publish(config, pool_ids, routes);
  sort_by_place(errors);
  return {nullptr, std::move(errors), {}};
}

}  // namespace weir::table
