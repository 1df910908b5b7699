#pragma once
// Two tables compared: hosts by their routes, pools by their settings and backends. Pure.
#include <string>
#include <string_view>
#include <vector>

#include "json.h"
#include "weir/cli/snapshot.h"

namespace weir::cli {

struct TableDiff {
  // Consecutive rows of one host in a snapshot.
  struct HostRoutes {
    std::string_view host;
    const RouteRow* first = nullptr;
    std::size_t count = 0;
  };
  struct HostChange {
    HostRoutes before;
    HostRoutes after;
    bool is_relabelled = false;  // only names of its routes changed
  };
  struct SettingChange {
    std::string_view key;
    std::string before;  // the default included
    std::string after;
  };
  struct PoolChange {
    std::string_view name;
    std::vector<SettingChange> settings;
    std::vector<const BackendRow*> added;
    std::vector<const BackendRow*> removed;
    std::vector<std::pair<const BackendRow*, const BackendRow*>> changed;  // weight, backup
  };
  struct Unusable {
    std::string_view host;
    std::string_view pool;
    bool is_quarantined = false;
    bool is_new = false;  // with the table before it was not so, or not there
  };
  std::vector<HostRoutes> added;
  std::vector<HostRoutes> removed;
  std::vector<HostChange> changed;
  std::vector<const PoolRow*> pools_added;
  std::vector<const PoolRow*> pools_removed;
  std::vector<PoolChange> pools_changed;
  // Of the table after: hosts with a route that no backend can serve.
  std::vector<Unusable> unusable;
  bool is_same() const {
    return added.empty() && removed.empty() && changed.empty() && pools_added.empty() &&
           pools_removed.empty() && pools_changed.empty();
  }
};

// Value of a setting that a snapshot does not name.
using DefaultOf = std::string (*)(std::string_view key);

// In order of names. Refers to both, which outlive it.
TableDiff compare(const Snapshot& before, const Snapshot& after, DefaultOf default_of);

// "+2 hosts, 1 host moved, pool web changed"
std::string summary_of(const TableDiff& diff);
// A line for each difference, at most `most` of a kind and how many more there are.
std::string diff_text(const Snapshot& before, const Snapshot& after, const TableDiff& diff,
                      std::size_t most, bool has_colours);
std::string diff_json(const Snapshot& before, const Snapshot& after, const TableDiff& diff);

}  // namespace weir::cli
