#pragma once
// Where keys lead, by name: one route of the table per label and pool, whatever number of keys lead
// there, so that a pool that comes or goes is one change and not one per host. Builder thread.
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "weir/route/route_table.h"

namespace weir::table {

// The label of keys whose entry is too wrong to say where it leads.
inline constexpr std::string_view kWrongLabel = "quarantined";

class Targets {
 public:
  using RouteNumber = route::RouteNumber;
  struct Target {
    std::string label;
    std::string pool;          // its name; empty: of an entry that is too wrong to lead anywhere
    std::uint64_t hash = 0;    // of both
    std::uint32_t uses = 0;    // entries that name it, those that are not served included
    bool is_resolved = false;  // there is such a pool
  };

  explicit Targets(route::RouteTableEditor& editor) : editor_(editor) {}

  // The target of that label and pool, as a route that is quarantined until it is resolved. Good until
  // remove_unused(), and as long as somebody uses it.
  RouteNumber intern(std::string_view label, std::string_view pool);
  const Target& at(RouteNumber number) const { return targets_[number]; }
  // Of a pool that is there, or (without an id) is not.
  void resolve(RouteNumber number, std::optional<route::PoolId> pool);
  void add_use(RouteNumber number) { ++targets_[number].uses; }
  void drop_use(RouteNumber number) {
    if (--targets_[number].uses == 0) maybe_unused_.push_back(number);
  }
  // All numbers that lead to that pool.
  std::vector<RouteNumber> of_pool(std::string_view pool) const;
  std::size_t size() const { return numbers_.size(); }
  template <typename Visit>
  void for_each(Visit visit) const {
    for (const auto& [key, number] : numbers_) visit(number, targets_[number]);
  }
  // Forgets what nobody uses; calls `removed` with the name of each pool that nobody leads to now.
  void remove_unused(const std::function<void(const std::string& pool)>& removed);

 private:
  std::uint32_t take_label_id(const std::string& label);
  void drop_label_id(const std::string& label);
  std::shared_ptr<route::Route> route_of(const Target& target, std::uint32_t label_id) const;
  static std::string key_of(std::string_view label, std::string_view pool);

  route::RouteTableEditor& editor_;
  std::vector<Target> targets_;  // by number
  std::unordered_map<std::string, RouteNumber> numbers_;
  std::unordered_multimap<std::string, RouteNumber> by_pool_;
  struct Label {
    std::uint32_t id = 0;
    std::uint32_t targets = 0;
  };
  std::unordered_map<std::string, Label> labels_;
  std::vector<std::uint32_t> free_label_ids_;
  std::vector<RouteNumber> maybe_unused_;
};

}  // namespace weir::table
