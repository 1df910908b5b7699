// The table that is served, in pages for the admin interface: none of them takes more than a few
// milliseconds of the loop, however large the table is.
#include <algorithm>

#include "control.h"
#include "version.h"
#include "weir/base/glob.h"

namespace weir::server {

namespace {

using route::RouteTable;

// Of a page by glob; it ends there, also with few that match.
constexpr std::size_t kMaxLookedAt = 10'000;
constexpr std::size_t kListedAtOnce = 500;

admin::Refusal table_changed() {
  return {409, "table_changed",
          "the table has changed since that page: begin again without cursor"};
}

void append(std::vector<RouteTable::Item>& items, const table::Tables& tables,
            admin::RoutesView& view) {
  for (RouteTable::Item& item : items) {
    bool is_good = item.route->action == route::Route::Action::kPool;
    const backend::PoolSet::Pools& pools = tables.pools->all();
    const backend::PoolSpec* pool =
        is_good && item.route->pool < pools.size() ? pools[item.route->pool].get() : nullptr;
    view.routes.push_back({std::move(item.host), std::move(item.path),
                           item.scheme ? http::name_of(*item.scheme) : std::string_view(),
                           item.route->label, pool ? std::string_view(pool->name) : "", !is_good,
                           table::is_stale_origin(item.placed.origin)});
  }
}

// Those of one host, which may be many.
Result<Ok, admin::Refusal> list_host(const admin::RoutesQuery& query, const table::Tables& tables,
                                     admin::RoutesView& view) {
  Result<std::string> pattern = route::canonical_host_pattern(query.host);
  if (!pattern.ok())
    return Err{admin::Refusal{400, "bad_parameter", "host: " + pattern.error().message}};
  std::vector<RouteTable::Item> items = tables.routes->routes_of(*pattern);
  view.total = items.size();
  std::size_t first = std::min<std::size_t>(query.first, items.size());
  std::size_t end = first + std::min(query.limit, items.size() - first);
  if (end < items.size()) view.next = end;
  items = {std::make_move_iterator(items.begin() + static_cast<std::ptrdiff_t>(first)),
           std::make_move_iterator(items.begin() + static_cast<std::ptrdiff_t>(end))};
  append(items, tables, view);
  return Ok{};
}

void list_matching(const admin::RoutesQuery& query, const table::Tables& tables,
                   admin::RoutesView& view) {
  RouteTable::Cursor cursor = query.first;
  std::size_t looked_at = 0;
  do {
    std::vector<RouteTable::Item> items = tables.routes->list(cursor, kListedAtOnce);
    looked_at += items.size();
    std::erase_if(items, [&query](const RouteTable::Item& item) {
      return !matches_glob(query.glob, item.host) &&
             (item.path.empty() || !matches_glob(query.glob, item.host + item.path));
    });
    append(items, tables, view);
  } while (cursor != RouteTable::kEnd && looked_at < kMaxLookedAt &&
           view.routes.size() < query.limit);
  if (cursor != RouteTable::kEnd) view.next = cursor;
}

void list_all(const admin::RoutesQuery& query, const table::Tables& tables,
              admin::RoutesView& view) {
  RouteTable::Cursor cursor = query.first;
  view.total = tables.routes->routes();
  std::vector<RouteTable::Item> items = tables.routes->list(cursor, query.limit);
  if (cursor != RouteTable::kEnd)
    view.next = cursor;
  else if (query.first == 0)
    std::stable_sort(items.begin(), items.end(),
                     [](const auto& a, const auto& b) { return a.host < b.host; });
  append(items, tables, view);
}

}  // namespace

Result<admin::RoutesView, admin::Refusal> Control::routes(const admin::RoutesQuery& query) const {
  admin::RoutesView view;
  view.tables = current_->built.tables;
  const table::Tables& tables = *view.tables;
  if (query.generation != 0 && query.generation != tables.generation) return Err{table_changed()};
  view.generation = tables.generation;
  if (!query.host.empty()) {
    Result<Ok, admin::Refusal> listed = list_host(query, tables, view);
    if (!listed.ok()) return Err{listed.error()};
  } else if (!query.glob.empty()) {
    list_matching(query, tables, view);
  } else {
    list_all(query, tables, view);
  }
  return view;
}

Result<admin::PoolSettingsView, admin::Refusal> Control::pool_settings(
    const admin::PoolSettingsQuery& query) const {
  const table::Tables& tables = *current_->built.tables;
  if (query.generation != 0 && query.generation != tables.generation) return Err{table_changed()};
  admin::PoolSettingsView view;
  view.generation = tables.generation;
  const backend::PoolSet::Pools& pools = tables.pools->all();
  for (std::size_t id = query.first; id < pools.size(); ++id) {
    if (pools[id] == nullptr) continue;
    if (view.pools.size() == query.limit) {
      view.next = id;
      break;
    }
    auto usable = std::count_if(
        pools[id]->backends.begin(), pools[id]->backends.end(),
        [](const auto& backend) { return backend->standing() == backend::Standing::kUsable; });
    view.pools.push_back({pools[id], static_cast<std::size_t>(usable)});
  }
  return view;
}

}  // namespace weir::server
