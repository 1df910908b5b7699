#pragma once
// Where keys lead, by name: one route of the table per label and pool, whatever number of keys lead
// there, so that a pool that comes or goes is one change and not one per host. Builder thread.
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "number_index.h"
#include "weir/base/shared_text.h"
#include "weir/route/route_table.h"

namespace weir::table {

// The label of keys whose entry is too wrong to say where it leads.
inline constexpr std::string_view kWrongLabel = "quarantined";

class Targets {
 public:
  using RouteNumber = route::RouteNumber;
  struct Target {
    SharedText label;
    SharedText pool;           // its name; empty: of an entry that is too wrong to lead anywhere
    std::uint64_t hash = 0;    // of both
    std::uint32_t uses = 0;    // entries that name it, those that are not served included
    RouteNumber next_of_pool = route::kNoRoute;  // another target of the pool
    std::uint32_t stale_uses = 0;  // those of them that are held back
    bool is_resolved = false;  // there is such a pool
  };

  explicit Targets(route::RouteTableEditor& editor) : editor_(editor) {}

  // The target of that label and pool, as a route that is quarantined until it is resolved. Good until
  // remove_unused(), and as long as somebody uses it.
  RouteNumber intern(const SharedText& label, const SharedText& pool);
  // The target that is called as its pool; kNoRoute: there is none.
  RouteNumber find(std::string_view pool) const { return find(pool, pool, hash_of(pool, pool)); }
  const Target& at(RouteNumber number) const { return targets_[number]; }
  // Of a pool that is there, or (without an id) is not.
  void resolve(RouteNumber number, std::optional<route::PoolId> pool);
  void add_use(RouteNumber number) { ++targets_[number].uses; }
  void drop_use(RouteNumber number) {
    if (--targets_[number].uses == 0) maybe_unused_.push_back(number);
  }
  void count_stale(RouteNumber number, bool is_more) {
    is_more ? ++targets_[number].stale_uses : --targets_[number].stale_uses;
  }
  // All numbers that lead to that pool.
  std::vector<RouteNumber> of_pool(std::string_view pool) const;
  std::size_t size() const { return numbers_.size(); }
  template <typename Visit>
  void for_each(Visit visit) const {
    for (RouteNumber number = 0; number < targets_.size(); ++number)
      if (targets_[number].hash != 0) visit(number, targets_[number]);
  }
  // Forgets what nobody uses; calls `removed` with the name of each pool that nobody leads to now.
  void remove_unused(const std::function<void(std::string_view pool)>& removed);

 private:
  // One number per label, for as long as a target has it.
  struct Label {
    SharedText text;
    std::uint32_t targets = 0;
  };
  static std::uint64_t hash_of(std::string_view label, std::string_view pool);
  RouteNumber find(std::string_view label, std::string_view pool, std::uint64_t hash) const;
  // The first target of that pool.
  RouteNumber first_of_pool(std::string_view pool) const;
  void add_to_pool(RouteNumber number);
  void remove_from_pool(RouteNumber number);
  std::uint32_t label_id_of(std::string_view label) const;
  std::uint32_t take_label_id(const SharedText& label);
  void drop_label_id(std::string_view label);

  route::RouteTableEditor& editor_;
  std::vector<Target> targets_;  // by number
  NumberIndex numbers_;          // by label and pool
  NumberIndex by_pool_;          // the first target of each pool
  std::vector<Label> labels_;    // by id
  NumberIndex label_ids_;
  std::vector<std::uint32_t> free_label_ids_;
  std::vector<RouteNumber> maybe_unused_;
};

}  // namespace weir::table
