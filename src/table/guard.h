#pragma once
// The guard (CONTRACT §2, Guard): what files lose at once and in great number is held back. Hosts
// once all files are in the next version, by comparing it with its base; backends before the pools
// are set. Remembers which backends are held back; of hosts the table does (kStaleOrigin). Builder
// thread.
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "pool_book.h"
#include "route_book.h"
#include "weir/config/config.h"
#include "weir/table/stale.h"

namespace weir::table {

// Whether so many of so many are too many to go.
constexpr bool is_too_much(std::size_t lost, std::size_t had, unsigned max_percent) {
  return lost > kMinHeldBack && lost * 100 > had * max_percent;
}

// Hosts that vanish with this build, and those held back whose host is there again.
void guard_hosts(RouteBook& routes, unsigned max_percent);

class BackendGuard {
 public:
  // Looks at the pools as they are and as they are going to be; those of `pools` that come first
  // under their names, by the sources that define them.
  struct Next {
    const config::PoolConfig* pool;
    SourceNumber source;
  };
  void decide(const PoolBook& pools, const std::vector<Next>& next, unsigned max_percent,
              bool is_forced);
  // Adds what is held back of it and `may_be` one still.
  void complete(const PoolBook& pools, config::PoolConfig& pool,
                const std::function<bool(const Endpoint&)>& may_be);
  // The pool is no more.
  void forget(const std::string& pool) { held_.erase(pool); }

  SourceNumber source_of(PoolBook::PoolId id) const {
    return id < sources_.size() ? sources_[id] : 0;
  }
  void set_source(PoolBook::PoolId id, SourceNumber source);
  const std::unordered_map<std::string, std::vector<Endpoint>>& held() const { return held_; }
  void hold(const std::string& pool, std::vector<Endpoint> backends) {
    held_[pool] = std::move(backends);
  }

 private:
  struct Loss {
    const config::PoolConfig* pool;
    SourceNumber source;  // whose the pool was
    std::vector<Endpoint> backends;
    std::size_t counts = 0;  // without those that others came in place of
  };
  Loss loss_of(const PoolBook& pools, const config::PoolConfig& pool, PoolBook::PoolId id) const;
  bool is_held(const std::string& pool, const Endpoint& backend) const;

  std::unordered_map<std::string, std::vector<Endpoint>> held_;  // by pool
  std::vector<SourceNumber> sources_;  // that define pools, by their ids
};

// What is held back of the version, for reports. `path_of`: of a source.
Stale list_stale(const route::RouteTable& routes, const PoolBook& pools, const BackendGuard& guard,
                 const std::function<const std::string&(SourceNumber)>& path_of,
                 unsigned max_percent);

}  // namespace weir::table
