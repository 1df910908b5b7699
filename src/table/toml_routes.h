#pragma once
// The routes that stand in weir.toml and in TOML route files: all of them are at hand at every
// build, and what changed since the last one goes into the routes of the next version. Builder
// thread.
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "route_book.h"
#include "weir/config/config.h"

namespace weir::table {

class TomlRoutes {
 public:
  struct Asks {
    std::function<SourceNumber(const std::string& file)> source_of;
    std::function<std::optional<route::PoolId>(const std::string& pool)> find_pool;
    std::function<bool(const std::string& pool)> is_pool_told;  // that it is missing, and why
    std::function<void(Quarantined)> say;
  };
  // Says what is wrong, but for entries that wait behind another source's
  // (RouteBook::list_waiting).
  void update(const std::vector<config::RouteConfig>& entries, RouteBook& routes, const Asks& asks);
  // What the version before had, before the first update(); in any order.
  void restore(OwnedKey key, SourceNumber source, route::RouteNumber target);
  void end_restore();
  // Where the source says so; null: it does not.
  const config::Place* place_of(const OwnedKey& key, SourceNumber source) const;

 private:
  struct Entry {
    OwnedKey key;
    SourceNumber source = 0;
    route::RouteNumber target = route::kNoRoute;
    const config::Place* place = nullptr;  // in `places_`
    auto order() const { return std::tie(key, source); }
  };
  std::vector<Entry> entries_;  // in order()
  std::vector<config::Place> places_;
};

}  // namespace weir::table
