#pragma once
// The pools of the next version: those that the configuration defines and those that map lines make
// of addresses alone. Gives out ids, which belong to a name as long as it is there, and keeps
// backends over versions. Builder thread.
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

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
  // A pool that map lines make of addresses alone. It has no place to be defined at, and goes when
  // nobody leads there.
  PoolId make(const config::PoolConfig& pool);
  bool is_made(const std::string& name) const { return made_.contains(name); }
  // What all of these begin as is this from now on.
  void set_defaults_of_made(const config::PoolConfig& defaults);
  std::optional<PoolId> find(std::string_view name) const;
  const backend::PoolSpec& at(PoolId id) const { return *pools_[id]; }
  // Of those that were not made, in any order.
  std::vector<std::string> names() const;

  // The version as it is now.
  std::shared_ptr<const backend::PoolSet> publish();

 private:
  using PoolSpec = backend::PoolSpec;
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>()(text);
    }
  };
  PoolId take_id();
  std::shared_ptr<backend::Backend> backend_of(const PoolSpec* before, const std::string& pool,
                                               const Endpoint& endpoint);
  void remember_gone(const PoolSpec& before, const PoolSpec* after);

  unsigned workers_;
  std::unordered_map<std::string, PoolId, Hash, std::equal_to<>> ids_;
  std::unordered_set<std::string> made_;
  backend::PoolSet::Pools pools_;
  std::vector<PoolId> free_ids_;
  // Free from the next version on: every reader must have seen that an id's pool is gone before it
  // means another.
  std::vector<PoolId> freed_ids_;
  // Backends that left the table while requests may hold them: when they come back, they count on.
  std::map<std::pair<std::string, Endpoint>, std::weak_ptr<backend::Backend>> gone_;
};

}  // namespace weir::table
