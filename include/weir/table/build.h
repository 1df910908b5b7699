#pragma once
// From a configuration and its map files to what is served: a route table and a set of pools. No
// entry can hurt another (CONTRACT §2, Quarantine): one that is wrong is listed and goes on being
// served as it was, or its key answers 503. Runs on the builder thread, one build at a time.
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "weir/backend/pool.h"
#include "weir/config/config.h"
#include "weir/config/load.h"
#include "weir/route/route_table.h"
#include "weir/table/stale.h"

namespace weir::table {

// An entry that is not served as it is written.
struct Quarantined {
  config::EntryKind kind = config::EntryKind::kRoute;
  config::Place place;
  std::string reason;
  std::string key;  // "www.example.com/api", a pool's name, an address; may be empty
  // Whether something is served in its place: an earlier version of it, or another entry for the
  // same key. None: not known.
  std::optional<bool> is_served;
  bool operator==(const Quarantined&) const = default;
};

// All of them, or so many that nobody reads on, with the number of all.
struct Quarantine {
  static constexpr std::size_t kMaxListed = 1000;
  std::vector<Quarantined> listed;      // in order of places
  std::array<std::size_t, 4> counts{};  // by kind
  std::size_t size() const { return counts[0] + counts[1] + counts[2] + counts[3]; }
  void add(Quarantined entry);  // lists it if there is room
  bool operator==(const Quarantine&) const = default;
};

// One version of everything that requests are routed by.
struct Tables {
  std::uint64_t generation = 0;  // the same as long as the contents are
  std::uint64_t hash = 0;        // of the contents: equal on two weirs with equal tables
  std::shared_ptr<const route::RouteTable> routes;
  std::shared_ptr<const backend::PoolSet> pools;
  Quarantine quarantine;
  Stale stale;
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

// A live host that another file serves now, because that comes first.
struct MovedHost {
  std::string host;
  std::string from;  // files
  std::string to;
};

// What of a pool is set otherwise than by default, as files write it; not its backends.
std::vector<config::Setting> pool_settings(const backend::PoolSpec& pool);

// "www.example.com/api (https)"
std::string key_text(const route::RouteKey& key);

// Builds versions. Remembers the one before, so that what has not changed is neither read nor made
// again, ids of pool names and the backends in use. One thread at a time.
class Builder {
 public:
  Builder(unsigned workers, std::uint64_t hash_seed);
  ~Builder();
  struct Built {
    std::shared_ptr<const Tables> tables;
    Difference difference;          // to the last version built
    std::vector<MovedHost> moved;   // at most so many that somebody reads
    bool has_new_quarantine = false;  // another one than the last version's
    bool has_new_stale = false;
  };
  // Whether what was held back goes, and nothing is held back anew.
  enum class Force : bool { kNo, kYes };
  // `known`: what is wrong with entries of `config` already (Loaded::quarantined).
  Built build(const config::Config& config, const std::vector<config::Diagnostic>& known = {},
              Force force = Force::kNo);
  // Where the entries for a key of the last version built stand: the one that is served, then those
  // that wait behind it. Reads the map files among them; line 0: the key is not there any more.
  std::vector<config::Place> places_of(const route::RouteKey& key) const;
  // The map files of the last version built, in order of their paths.
  struct MapFile {
    std::string path;
    std::size_t entries = 0;  // of the version that is served, those that are wrong included
    std::size_t served = 0;   // not behind another file's
    std::size_t wrong = 0;
    std::string failure;  // why it is an earlier version; empty: it is not
  };
  std::vector<MapFile> map_files() const;
  // Of what route::PlacedRoute::origin names.
  const std::string& file_of(std::uint32_t origin) const;

 private:
  friend class LastGoodStore;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Everything that keeps a configuration from being served, in order of places; empty: `built` may
// serve. With errors the entries that would be quarantined are told as well: there will be no second
// look before somebody has mended the first.
std::vector<config::Diagnostic> all_errors(const config::Loaded& loaded, Builder& builder,
                                           Builder::Built& built,
                                           Builder::Force force = Builder::Force::kNo);

}  // namespace weir::table
