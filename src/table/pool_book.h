#pragma once
// The pools of the next version: those that the configuration defines and those that map lines make
// of addresses alone. Gives out ids, which belong to a name as long as it is there, and keeps
// backends over versions. Builder thread.
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "number_index.h"
#include "weir/backend/pool.h"
#include "weir/base/result.h"
#include "weir/config/config.h"

namespace weir::table {

class PoolBook {
 public:
  using PoolId = backend::PoolId;
  explicit PoolBook(unsigned workers) : workers_(workers) {}

  // A pool as it is from now on; what did not change stays the same object.
  PoolId set(const config::PoolConfig& pool);
  void remove(std::string_view name);
  // A pool that map lines make of addresses alone, which is not there yet. It has no place to be
  // defined at, and goes when nobody leads there.
  PoolId make(const SharedText& name, std::span<const Endpoint> endpoints);
  bool is_made(PoolId id) const { return id < is_made_.size() && is_made_[id]; }
  // What all of these are set to is this from now on.
  void set_defaults_of_made(const config::PoolConfig& defaults);
  std::optional<PoolId> find(std::string_view name) const;
  const backend::PoolSpec& at(PoolId id) const { return *pools_[id]; }
  // Of those that were not made, in any order.
  std::vector<std::string> names() const;
  template <typename Visit>
  void for_each_defined(Visit visit) const {
    for (const std::shared_ptr<const PoolSpec>& pool : pools_)
      if (pool != nullptr && !is_made(pool->id)) visit(*pool);
  }

  // The version as it is now.
  std::shared_ptr<const backend::PoolSet> publish();
  // Of the contents of all pools.
  std::uint64_t hash() const { return hash_; }

 private:
  using PoolSpec = backend::PoolSpec;
  using Settings = std::shared_ptr<const backend::PoolSettings>;
  std::uint32_t number_of(std::string_view name) const;
  PoolId take_id();
  void add(std::shared_ptr<const PoolSpec> spec, bool is_made);
  // Those that are set alike share it.
  Settings settings_of(const config::PoolConfig& pool, const PoolSpec* before);
  std::shared_ptr<backend::Backend> backend_of(const PoolSpec* before, const SharedText& pool,
                                               const Endpoint& endpoint);
  // The version of a pool that is served from now on; null: none.
  void put(PoolId id, std::shared_ptr<const PoolSpec> spec);
  std::uint64_t hash_of_settings(const Settings& settings);
  void remember_gone(const PoolSpec& before, const PoolSpec* after);

  unsigned workers_;
  NumberIndex ids_;  // by name
  std::vector<bool> is_made_;
  Settings settings_of_made_;
  Settings last_settings_;
  Settings hashed_settings_;  // the last ones that were
  std::uint64_t settings_hash_ = 0;
  backend::PoolSet::Pools pools_;
  std::uint64_t hash_ = 0;
  std::vector<PoolId> free_ids_;
  // Free from the next version on: every reader must have seen that an id's pool is gone before it
  // means another.
  std::vector<PoolId> freed_ids_;
  // Backends that left the table while requests may hold them: when they come back, they count on.
  std::map<std::pair<std::string, Endpoint>, std::weak_ptr<backend::Backend>> gone_;
};

}  // namespace weir::table
