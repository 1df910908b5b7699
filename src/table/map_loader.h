#pragma once
// One map file into the routes of the next version: entry by entry as it streams, compared with what
// the version before has of it, so that a file of a million lines with one changed costs one change.
// Lives for one file of one build.
#include <functional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "map_file.h"
#include "pool_book.h"
#include "route_book.h"
#include "weir/config/config.h"

namespace weir::table {

// A line that does not lead where it says.
struct MapProblem {
  unsigned line = 0;
  unsigned column = 0;
  std::string message;
  std::string key;  // key_text(), as far as it could be read
};

// A list of addresses, and the name of the pool that they make: "10.0.0.1:80,10.0.0.2:80". Returns
// why they make none, or "".
std::string read_addresses(std::string_view addresses, std::string& name,
                           std::vector<Endpoint>& endpoints);

// What a target column names.
class MapTargets {
 public:
  // `problem_of`: why an address can be no backend, or "".
  MapTargets(PoolBook& pools, Targets& targets,
             std::function<std::string(const Endpoint&)> problem_of)
      : pools_(pools), targets_(targets), problem_of_(std::move(problem_of)) {}
  struct Found {
    route::RouteNumber target = route::kNoRoute;
    std::string problem;  // why it cannot be that; empty: it is
  };
  // Good until the next call.
  const Found& find(std::string_view text);

 private:
  // `known`: the target of that name, or kNoRoute.
  Found look_at(std::string_view text, route::RouteNumber known);
  Found look_for_pool(std::string_view name);
  Found look_at_addresses(std::string_view addresses, route::RouteNumber known);
  Found wrong(std::string problem) {
    return {targets_.intern(kWrongLabel, ""), std::move(problem)};
  }

  PoolBook& pools_;
  Targets& targets_;
  std::function<std::string(const Endpoint&)> problem_of_;
  std::string last_text_;
  Found last_;
  std::vector<Endpoint> endpoints_;  // reused
};

class MapLoader final : public MapSink {
 public:
  MapLoader(RouteBook& routes, MapTargets& targets, SourceNumber source);
  void on_entries(std::span<const MapEntry> entries) override;
  void on_mistake(const MapMistake& mistake) override;
  // What the file had before and has no more goes.
  void finish();
  std::size_t entries() const { return entries_; }
  std::vector<MapProblem> take_problems() { return std::move(problems_); }

 private:
  void load(const MapEntry& entry, const route::HostIndex::Name& name);
  void load_wrong(const MapEntry& entry, unsigned column, std::string message);
  // Whether the key is told for the first time; `before`: where the source's entry led.
  bool is_first(const route::RouteKey& key, const route::RouteTable::Known& known);
  void say_twice(const MapEntry& entry);

  RouteBook& routes_;
  MapTargets& targets_;
  SourceNumber source_;
  std::size_t base_served_;  // entries of the source that the base serves
  bool was_known_;           // there are such
  std::size_t entries_ = 0;
  std::size_t seen_ = 0;            // of the base's entries of the source
  std::vector<bool> seen_places_;   // by place in the base's index
  std::vector<route::HostIndex::Name> names_;  // of the entries under way
  std::unordered_set<std::string> seen_keys_;  // those without a place
  std::vector<MapProblem> problems_;
};

}  // namespace weir::table
