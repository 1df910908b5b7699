#include "pool_book.h"

#include <algorithm>

#include "version.h"

namespace weir::table {

using backend::Backend;
using backend::PoolSpec;

namespace {

std::shared_ptr<PoolSpec> spec_of(const config::PoolConfig& config, backend::PoolId id) {
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

std::optional<PoolBook::PoolId> PoolBook::find(std::string_view name) const {
  auto found = ids_.find(name);
  return found == ids_.end() ? std::nullopt : std::optional(found->second);
}

std::vector<std::string> PoolBook::names() const {
  std::vector<std::string> names;
  names.reserve(ids_.size() - made_.size());
  for (const auto& [name, id] : ids_)
    if (!is_made(name)) names.push_back(name);
  return names;
}

PoolBook::PoolId PoolBook::take_id() {
  if (!free_ids_.empty()) {
    PoolId id = free_ids_.back();
    free_ids_.pop_back();
    return id;
  }
  pools_.push_back(nullptr);
  return static_cast<PoolId>(pools_.size() - 1);
}

std::shared_ptr<Backend> PoolBook::backend_of(const PoolSpec* before, const std::string& pool,
                                              const Endpoint& endpoint) {
  if (before != nullptr)
    for (const std::shared_ptr<Backend>& backend : before->backends)
      if (backend->endpoint() == endpoint) return backend;
  if (auto gone = gone_.find({pool, endpoint}); gone != gone_.end())
    if (std::shared_ptr<Backend> backend = gone->second.lock()) return backend;
  return std::make_shared<Backend>(pool, endpoint, workers_);
}

void PoolBook::remember_gone(const PoolSpec& before, const PoolSpec* after) {
  for (const std::shared_ptr<Backend>& backend : before.backends) {
    bool stays = after != nullptr && std::find(after->backends.begin(), after->backends.end(),
                                               backend) != after->backends.end();
    if (!stays) gone_[{before.name, backend->endpoint()}] = backend;
  }
}

PoolBook::PoolId PoolBook::set(const config::PoolConfig& pool) {
  auto known = ids_.find(pool.name);
  bool is_new = known == ids_.end();
  PoolId id = is_new ? take_id() : known->second;
  std::shared_ptr<const PoolSpec> before = is_new ? nullptr : pools_[id];
  std::shared_ptr<PoolSpec> spec = spec_of(pool, id);
  spec->backends.reserve(pool.backends.size());
  for (const config::BackendConfig& backend : pool.backends) {
    spec->backends.push_back(backend_of(before.get(), pool.name, backend.endpoint));
    backend::BackendTraits traits{backend.weight, backend.is_backup};
    // Most pools say nothing of this.
    if (traits == backend::BackendTraits{} && spec->traits.empty()) continue;
    spec->traits.resize(spec->backends.size() - 1);
    spec->traits.push_back(traits);
  }
  if (is_new) {
    ids_.emplace(pool.name, id);
  } else {
    if (has_same_settings(*before, *spec) && before->backends == spec->backends) return id;
    remember_gone(*before, spec.get());
  }
  pools_.at(id) = std::move(spec);
  return id;
}

void PoolBook::remove(std::string_view name) {
  auto known = ids_.find(name);
  remember_gone(*pools_[known->second], nullptr);
  pools_.at(known->second) = nullptr;
  freed_ids_.push_back(known->second);
  made_.erase(known->first);
  ids_.erase(known);
}

PoolBook::PoolId PoolBook::make(const config::PoolConfig& pool) {
  made_.insert(pool.name);
  return set(pool);
}

void PoolBook::set_defaults_of_made(const config::PoolConfig& defaults) {
  for (const std::string& name : made_) {
    config::PoolConfig pool = defaults;
    pool.name = name;
    pool.backends.clear();
    for (const std::shared_ptr<Backend>& backend : at(*find(name)).backends) {
      config::BackendConfig same;
      same.endpoint = backend->endpoint();
      pool.backends.push_back(std::move(same));
    }
    set(pool);
  }
}

std::shared_ptr<const backend::PoolSet> PoolBook::publish() {
  free_ids_.insert(free_ids_.end(), freed_ids_.begin(), freed_ids_.end());
  freed_ids_.clear();
  // What is in the table again, or held by nobody, is not gone in that sense.
  std::erase_if(gone_, [](const auto& entry) { return entry.second.expired(); });
  return std::make_shared<const backend::PoolSet>(pools_.share(), ids_.size());
}

}  // namespace weir::table
