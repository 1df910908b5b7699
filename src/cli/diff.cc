#include "diff.h"

#include <algorithm>
#include <bit>
#include <tuple>
#include <unordered_map>
#include <unordered_set>

namespace weir::cli {
namespace {

using HostRoutes = TableDiff::HostRoutes;

std::vector<HostRoutes> hosts_of(const Snapshot& table) {
  std::vector<HostRoutes> hosts;
  hosts.reserve(table.routes.size());
  for (const RouteRow& row : table.routes) {
    if (hosts.empty() || hosts.back().host != row.host) hosts.push_back({row.host, &row, 0});
    ++hosts.back().count;
  }
  return hosts;
}

// Names to places: open addressing, since this is where the time goes.
class NameTable {
 public:
  explicit NameTable(std::size_t count) : slots_(std::bit_ceil(count * 2 + 2), kNone) {}
  static constexpr std::uint32_t kNone = 0xffffffff;
  template <typename NameOf>
  std::uint32_t& find(std::string_view name, NameOf name_of) {
    std::size_t at = std::hash<std::string_view>()(name) & (slots_.size() - 1);
    while (slots_[at] != kNone && name_of(slots_[at]) != name) at = (at + 1) & (slots_.size() - 1);
    return slots_[at];
  }

 private:
  std::vector<std::uint32_t> slots_;
};

auto place_of(const RouteRow& row) { return std::tie(row.path, row.scheme); }

bool leads_alike(const RouteRow& a, const RouteRow& b) {
  return a.pool == b.pool && a.is_quarantined == b.is_quarantined;
}

void compare_host(const HostRoutes& before, const HostRoutes& after, TableDiff& diff) {
  bool is_same = before.count == after.count;
  bool is_relabelled = false;
  for (std::size_t at = 0; is_same && at < before.count; ++at) {
    const RouteRow& left = before.first[at];
    const RouteRow& right = after.first[at];
    is_same = place_of(left) == place_of(right) && leads_alike(left, right);
    is_relabelled = is_relabelled || left.route != right.route;
  }
  if (!is_same || is_relabelled) diff.changed.push_back({before, after, is_same});
}

// Calls `pair(before, after)` for each name of either side; null: it is not there.
template <typename Rows, typename NameOf, typename Pair>
void join(const Rows& before, const Rows& after, NameOf name_of, Pair pair) {
  NameTable names(after.size());
  auto name_at = [&](std::uint32_t at) { return name_of(after[at]); };
  for (std::uint32_t at = 0; at < after.size(); ++at) names.find(name_of(after[at]), name_at) = at;
  std::vector<bool> seen(after.size());
  for (const auto& row : before) {
    std::uint32_t found = names.find(name_of(row), name_at);
    if (found != NameTable::kNone) seen[found] = true;
    pair(&row, found == NameTable::kNone ? nullptr : &after[found]);
  }
  for (std::uint32_t at = 0; at < after.size(); ++at)
    if (!seen[at]) pair(static_cast<decltype(&after[0])>(nullptr), &after[at]);
}

void compare_settings(const PoolRow& before, const PoolRow& after, DefaultOf default_of,
                      TableDiff::PoolChange& change) {
  if (before.settings == after.settings) return;
  join(before.settings, after.settings, [](const auto& setting) { return setting.first; },
       [&](const auto* left, const auto* right) {
         if (left != nullptr && right != nullptr && left->second == right->second) return;
         std::string_view key = left != nullptr ? left->first : right->first;
         std::string usual = default_of(key);
         change.settings.push_back({key, left != nullptr ? std::string(left->second) : usual,
                                    right != nullptr ? std::string(right->second) : usual});
       });
}

void compare_pool(const PoolRow& before, const PoolRow& after, DefaultOf default_of,
                  TableDiff& diff) {
  TableDiff::PoolChange change{after.name, {}, {}, {}, {}};
  compare_settings(before, after, default_of, change);
  join(before.backends, after.backends, [](const BackendRow& row) { return row.address; },
       [&](const BackendRow* left, const BackendRow* right) {
         if (left == nullptr)
           change.added.push_back(right);
         else if (right == nullptr)
           change.removed.push_back(left);
         else if (left->weight != right->weight || left->is_backup != right->is_backup)
           change.changed.emplace_back(left, right);
       });
  bool is_change = !change.settings.empty() || !change.added.empty() || !change.removed.empty() ||
                   !change.changed.empty();
  if (is_change) diff.pools_changed.push_back(std::move(change));
}

// Hosts with a route that no backend can serve, and that route; of each the first.
std::unordered_map<std::string_view, const RouteRow*> unusable_of(const Snapshot& table) {
  std::unordered_set<std::string_view> pools;
  for (const PoolRow& pool : table.pools)
    if (pool.usable == 0) pools.insert(pool.name);
  std::unordered_map<std::string_view, const RouteRow*> hosts;
  for (const RouteRow& row : table.routes)
    if (row.is_quarantined || (!pools.empty() && pools.contains(row.pool)))
      hosts.emplace(row.host, &row);
  return hosts;
}

void list_unusable(const Snapshot& before, const Snapshot& after, TableDiff& diff) {
  auto was = unusable_of(before);
  for (const auto& [host, row] : unusable_of(after))
    diff.unusable.push_back({host, row->pool, row->is_quarantined, !was.contains(host)});
}

}  // namespace

TableDiff compare(const Snapshot& before, const Snapshot& after, DefaultOf default_of) {
  TableDiff diff;
  join(hosts_of(before), hosts_of(after), [](const HostRoutes& host) { return host.host; },
       [&diff](const HostRoutes* left, const HostRoutes* right) {
         if (left == nullptr)
           diff.added.push_back(*right);
         else if (right == nullptr)
           diff.removed.push_back(*left);
         else
           compare_host(*left, *right, diff);
       });
  join(before.pools, after.pools, [](const PoolRow& pool) { return pool.name; },
       [&](const PoolRow* left, const PoolRow* right) {
         if (left == nullptr)
           diff.pools_added.push_back(right);
         else if (right == nullptr)
           diff.pools_removed.push_back(left);
         else
           compare_pool(*left, *right, default_of, diff);
       });
  list_unusable(before, after, diff);
  auto by = [](auto name) {
    return [name](const auto& a, const auto& b) { return name(a) < name(b); };
  };
  auto by_host = by([](const auto& entry) { return entry.host; });
  std::sort(diff.added.begin(), diff.added.end(), by_host);
  std::sort(diff.removed.begin(), diff.removed.end(), by_host);
  std::sort(diff.changed.begin(), diff.changed.end(),
            by([](const auto& entry) { return entry.after.host; }));
  std::sort(diff.unusable.begin(), diff.unusable.end(),
            by([](const auto& entry) { return std::pair(!entry.is_new, entry.host); }));
  auto by_name = by([](const auto* pool) { return pool->name; });
  std::sort(diff.pools_added.begin(), diff.pools_added.end(), by_name);
  std::sort(diff.pools_removed.begin(), diff.pools_removed.end(), by_name);
  std::sort(diff.pools_changed.begin(), diff.pools_changed.end(),
            by([](const auto& entry) { return entry.name; }));
  return diff;
}

}  // namespace weir::cli
