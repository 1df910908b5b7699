#include "toml_routes.h"

#include <algorithm>
#include <optional>

namespace weir::table {
namespace {

std::optional<http::Scheme> scheme_of(const config::RouteConfig& entry) {
  if (!entry.scheme) return std::nullopt;
  return *entry.scheme == "https" ? http::Scheme::kHttps : http::Scheme::kHttp;
}

}  // namespace

void TomlRoutes::update(const std::vector<config::RouteConfig>& entries, RouteBook& routes,
                        const Asks& asks) {
  std::vector<config::Place> places;
  places.reserve(entries.size());
  std::vector<Entry> now;
  for (const config::RouteConfig& route : entries) {
    places.push_back(route.place);
    Entry entry;
    entry.source = asks.source_of(route.place.file);
    entry.place = &places.back();
    std::string label = route.name.empty() ? route.pool : route.name;
    entry.target = route.is_bad ? routes.targets().intern(kWrongLabel, "")
                           : routes.targets().intern(label, route.pool);
    // Until it is used.
    entry.key.path = route.path;
    entry.key.scheme = scheme_of(route);
    std::optional<route::PoolId> pool = route.is_bad ? std::nullopt : asks.find_pool(route.pool);
    bool has_pool = pool.has_value();
    if (has_pool) routes.targets().resolve(entry.target, pool);
    for (const std::string& host : route.hosts) {
      Result<std::string> pattern = route::canonical_host_pattern(host);
      if (!pattern.ok()) {
        asks.say({config::EntryKind::kRoute, route.place, pattern.error().message, host, false});
        continue;
      }
      entry.key.host = std::move(pattern).value();
      if (!has_pool) {
        route::PlacedRoute there = routes.find(entry.key);
        bool is_served = there.route != route::kNoRoute &&
                         (there.origin == entry.source || is_stale_origin(there.origin)) &&
                         routes.targets().at(there.route).is_resolved;
        // Of one with errors they are told already.
        if (!route.is_bad && !asks.is_pool_told(route.pool))
          asks.say({config::EntryKind::kRoute, route.place,
               "there is no pool \"" + route.pool + "\"", key_text(entry.key), is_served});
        Entry kept = entry;
        if (is_served) kept.target = there.route;
        now.push_back(std::move(kept));
        continue;
      }
      now.push_back(entry);
    }
  }
  std::stable_sort(now.begin(), now.end(),
                   [](const Entry& a, const Entry& b) { return a.order() < b.order(); });
  // Two spellings of a path are told apart here and by nobody else, so they are no duplicates yet.
  auto last = std::unique(now.begin(), now.end(), [&](const Entry& first, const Entry& second) {
    if (first.order() != second.order()) return false;
    asks.say({config::EntryKind::kRoute, *second.place,
         key_text(second.key) + " is already routed at " + first.place->text(),
         key_text(second.key), true});
    return true;
  });
  now.erase(last, now.end());

  auto old = entries_.begin();
  std::vector<const Entry*> changed;
  for (const Entry& entry : now) {
    for (; old != entries_.end() && old->order() < entry.order(); ++old)
      routes.drop(old->key, old->source);
    bool is_known = old != entries_.end() && old->order() == entry.order();
    if (!is_known || old->target != entry.target) changed.push_back(&entry);
    if (is_known) ++old;
  }
  for (; old != entries_.end(); ++old) routes.drop(old->key, old->source);
  for (const Entry* entry : changed)
    routes.put(entry->key, entry->source, entry->target, RouteBook::IfOwn::kReplace);
  entries_ = std::move(now);
  places_ = std::move(places);
}

void TomlRoutes::restore(OwnedKey key, SourceNumber source, route::RouteNumber target) {
  entries_.push_back({std::move(key), source, target, nullptr});
}

void TomlRoutes::end_restore() {
  std::stable_sort(entries_.begin(), entries_.end(),
                   [](const Entry& a, const Entry& b) { return a.order() < b.order(); });
}

const config::Place* TomlRoutes::place_of(const OwnedKey& key, SourceNumber source) const {
  auto found = std::lower_bound(
      entries_.begin(), entries_.end(), std::tie(key, source),
      [](const Entry& entry, const auto& wanted) { return entry.order() < wanted; });
  bool is_there = found != entries_.end() && found->order() == std::tie(key, source);
  return is_there ? found->place : nullptr;
}

}  // namespace weir::table
