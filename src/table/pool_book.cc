#include "pool_book.h"

#include <algorithm>

#include "fingerprint.h"
#include "version.h"

namespace weir::table {

using backend::Backend;
using backend::PoolSettings;
using backend::PoolSpec;

namespace {

PoolSettings settings_from(const config::PoolConfig& config) {
  PoolSettings settings;
  settings.balance = config.balance;
  settings.keepalive = config.keepalive;
  settings.max_idle = config.max_idle;
  settings.retries = config.retries;
  settings.retry_budget_percent = config.retry_budget_percent;
  settings.health = config.health;
  if (config.health != nullptr && config.health->host.empty() && !config.host.empty()) {
    config::HealthConfig health = *config.health;
    health.host = config.host;
    settings.health = std::make_shared<const config::HealthConfig>(std::move(health));
  }
  settings.timeouts = config.timeouts;
  settings.body_bytes = config.body_bytes;
  settings.host = config.host;
  return settings;
}

std::uint64_t hash_of_name(std::string_view name) { return Fingerprint().add(name).value(); }

}  // namespace

std::uint32_t PoolBook::number_of(std::string_view name) const {
  return ids_.find(hash_of_name(name), [&](PoolId id) { return pools_[id]->name == name; });
}

std::optional<PoolBook::PoolId> PoolBook::find(std::string_view name) const {
  std::uint32_t number = number_of(name);
  return number == NumberIndex::kNone ? std::nullopt : std::optional<PoolId>(number);
}

std::vector<std::string> PoolBook::names() const {
  std::vector<std::string> names;
  for (PoolId id = 0; id < pools_.size(); ++id)
    if (!is_made(id) && pools_[id] != nullptr) names.push_back(pools_[id]->name.str());
  return names;
}

PoolBook::Settings PoolBook::settings_of(const config::PoolConfig& pool, const PoolSpec* before) {
  PoolSettings settings = settings_from(pool);
  if (before != nullptr && are_same(*before->settings, settings)) return before->settings;
  if (last_settings_ == nullptr || !are_same(*last_settings_, settings))
    last_settings_ = std::make_shared<const PoolSettings>(std::move(settings));
  return last_settings_;
}

std::shared_ptr<Backend> PoolBook::backend_of(const PoolSpec* before, const SharedText& pool,
                                              const Endpoint& endpoint) {
  if (before != nullptr)
    for (const std::shared_ptr<Backend>& backend : before->backends)
      if (backend->is_at(endpoint)) return backend;
  if (!gone_.empty())
    if (auto gone = gone_.find({pool.str(), endpoint}); gone != gone_.end())
      if (std::shared_ptr<Backend> backend = gone->second.lock()) return backend;
  return std::make_shared<Backend>(pool, endpoint, workers_);
}

void PoolBook::remember_gone(const PoolSpec& before, const PoolSpec* after) {
  for (const std::shared_ptr<Backend>& backend : before.backends) {
    bool stays = after != nullptr && std::find(after->backends.begin(), after->backends.end(),
                                               backend) != after->backends.end();
    if (!stays) gone_[{before.name.str(), backend->endpoint()}] = backend;
  }
}

std::uint64_t PoolBook::hash_of_settings(const Settings& settings) {
  if (hashed_settings_ != settings) {
    hashed_settings_ = settings;
    settings_hash_ = hash_of(*settings);
  }
  return settings_hash_;
}

void PoolBook::put(PoolId id, std::shared_ptr<const PoolSpec> spec) {
  const std::shared_ptr<const PoolSpec>& before = pools_[id];
  if (before != nullptr) {
    hash_ -= hash_of(*before, hash_of_settings(before->settings));
    remember_gone(*before, spec.get());
  }
  if (spec != nullptr) hash_ += hash_of(*spec, hash_of_settings(spec->settings));
  pools_.at(id) = std::move(spec);
}

// One that is free, or a new one.
PoolBook::PoolId PoolBook::take_id() {
  if (free_ids_.empty()) {
    pools_.push_back(nullptr);
    is_made_.push_back(false);
    return static_cast<PoolId>(pools_.size() - 1);
  }
  PoolId id = free_ids_.back();
  free_ids_.pop_back();
  return id;
}

void PoolBook::add(std::shared_ptr<const PoolSpec> spec, bool is_made) {
  PoolId id = spec->id;
  is_made_[id] = is_made;
  put(id, std::move(spec));
  ids_.insert(id, [this](PoolId of) { return hash_of_name(pools_[of]->name); });
}

PoolBook::PoolId PoolBook::set(const config::PoolConfig& pool) {
  std::uint32_t known = number_of(pool.name);
  bool is_new = known == NumberIndex::kNone;
  std::shared_ptr<const PoolSpec> before = is_new ? nullptr : pools_[known];
  auto spec = std::make_shared<PoolSpec>();
  spec->id = is_new ? take_id() : known;
  spec->name = is_new ? SharedText(pool.name) : before->name;
  spec->settings = settings_of(pool, before.get());
  spec->backends.reserve(pool.backends.size());
  for (const config::BackendConfig& backend : pool.backends) {
    spec->backends.push_back(backend_of(before.get(), spec->name, backend.endpoint));
    backend::BackendTraits traits{backend.weight, backend.is_backup};
    // Most pools say nothing of this.
    if (traits == backend::BackendTraits{} && spec->traits.empty()) continue;
    spec->traits.resize(spec->backends.size() - 1);
    spec->traits.push_back(traits);
  }
  PoolId id = spec->id;
  if (is_new)
    add(std::move(spec), false);
  else if (!has_same_settings(*before, *spec) || before->backends != spec->backends)
    put(id, std::move(spec));
  return id;
}

void PoolBook::remove(std::string_view name) {
  PoolId id = number_of(name);
  ids_.erase(id, [this](PoolId of) { return hash_of_name(pools_[of]->name); });
  put(id, nullptr);
  freed_ids_.push_back(id);
}

PoolBook::PoolId PoolBook::make(const SharedText& name, std::span<const Endpoint> endpoints) {
  auto spec = std::make_shared<PoolSpec>();
  spec->id = take_id();
  spec->name = name;
  spec->settings = settings_of_made_;
  spec->backends.reserve(endpoints.size());
  for (const Endpoint& endpoint : endpoints)
    spec->backends.push_back(backend_of(nullptr, name, endpoint));
  PoolId id = spec->id;
  add(std::move(spec), true);
  return id;
}

void PoolBook::set_defaults_of_made(const config::PoolConfig& defaults) {
  settings_of_made_ = std::make_shared<const PoolSettings>(settings_from(defaults));
  for (PoolId id = 0; id < pools_.size(); ++id) {
    if (!is_made(id) || pools_[id] == nullptr) continue;
    auto spec = std::make_shared<PoolSpec>(*pools_[id]);
    spec->settings = settings_of_made_;
    put(id, std::move(spec));
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
