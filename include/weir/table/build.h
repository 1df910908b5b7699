#pragma once
// From a configuration to what is served: a route table and a set of pools. A pure function of the
// configuration and of the names seen before (ids and backends of the same name go on). Runs on the
// builder thread, one build at a time.
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "weir/backend/pool.h"
#include "weir/config/config.h"
#include "weir/config/load.h"
#include "weir/route/route_table.h"

namespace weir::table {

// One version of everything that requests are routed by.
struct Tables {
  std::uint64_t generation = 0;  // the same as long as the contents are
  std::uint64_t hash = 0;        // of the contents: equal on two weirs with equal tables
  std::shared_ptr<const route::RouteTable> routes;
  std::shared_ptr<const backend::PoolSet> pools;
};

// How one version differs from the one before, for log lines and answers.
struct Difference {
  std::size_t hosts_added = 0;
  std::size_t hosts_removed = 0;
  std::size_t hosts_moved = 0;       // one of its routes leads to another pool, is new or is gone
  std::size_t hosts_relabelled = 0;  // only names of its routes changed
  std::size_t pools_added = 0;
  std::size_t pools_removed = 0;
  std::size_t pools_changed = 0;  // with other settings
  std::string changed_pool;       // one of those
  std::size_t backends_added = 0;
  std::size_t backends_removed = 0;
  bool operator==(const Difference&) const = default;
  bool is_empty() const;     // then, and only then, both versions have the same hash
  std::string text() const;  // "+2 hosts, pool web changed", "no change"
};

// Builds versions. Remembers ids of pool names and the backends in use. One thread at a time.
class Builder {
 public:
  Builder(unsigned workers, std::uint64_t hash_seed);
  ~Builder();
  struct Built {
    std::shared_ptr<const Tables> tables;  // null when there are errors
    std::vector<config::Diagnostic> errors;
    Difference difference;  // to the last version built
  };
  Built build(const config::Config& config);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Everything that is wrong with a configuration, in order of places: what loading found, and what
// only building shows (two routes for one key, a backend that is weir itself). Empty: `built` may
// serve.
std::vector<config::Diagnostic> all_errors(const config::Loaded& loaded, Builder& builder,
                                           Builder::Built& built);

}  // namespace weir::table
