#include "weir/route/route_table.h"

#include <algorithm>
#include <utility>

#include "host_pattern.h"
#include "host_routes.h"
#include "route_walk.h"

namespace weir::route {
namespace {

constexpr RouteTable::Cursor kAnyHostDone = 1;  // cursors are places, behind "*" and counted from 1

}  // namespace

HostRoutes::Key HostRoutes::key_of(std::string_view path,
                                   const std::optional<http::Scheme>& scheme) {
  std::string scratch;
  return {std::string(http::matching_path(path, scratch)),
          scheme ? SchemeRoutes::slot_of(*scheme) : SchemeRoutes::kAny};
}

PlacedRoute HostRoutes::find(const RouteKey& key) const {
  Key wanted = key_of(key.path, key.scheme);
  auto found = std::lower_bound(
      items.begin(), items.end(), wanted,
      [](const Item& item, const Key& sought) { return key_of(item.path, item.scheme) < sought; });
  bool is_there = found != items.end() && key_of(found->path, found->scheme) == wanted;
  return is_there ? found->placed : PlacedRoute{};
}

Match RouteTable::find(std::string_view host, std::string_view raw_path, http::Scheme scheme,
                       std::string& scratch) const {
  Unwatched nobody;
  return walk(host, raw_path, scheme, scratch, nobody);
}

void RouteTable::append_routes(const std::string& host, HostIndex::Entry entry,
                               std::vector<Item>& items) const {
  if ((entry.value & kHasRoutes) == 0) {
    items.push_back(
        {host, {}, std::nullopt, routes_[entry.value], {entry.value, entry.origin}});
    return;
  }
  for (const HostRoutes::Item& item : host_routes_[entry.value & ~kHasRoutes]->items)
    items.push_back({host, item.path, item.scheme, routes_[item.placed.route], item.placed});
}

std::vector<RouteTable::Item> RouteTable::list(Cursor& cursor, std::size_t limit) const {
  std::vector<Item> items;
  if (cursor == 0 && any_host_.value != HostIndex::kNone) append_routes("*", any_host_, items);
  HostIndex::Reader reader(index_, cursor < kAnyHostDone ? 0 : cursor - kAnyHostDone);
  cursor = kEnd;
  while (const HostIndex::Reader::Item* item = reader.next()) {
    if (items.size() >= limit) {
      cursor = item->place + kAnyHostDone;
      break;
    }
    append_routes(pattern_of(item->name, item->kind), item->entry, items);
  }
  return items;
}

std::vector<RouteTable::Item> RouteTable::routes_of(std::string_view host_pattern) const {
  std::vector<Item> items;
  HostIndex::Entry entry = any_host_;
  if (host_pattern != "*") {
    HostPattern parts = split_host_pattern(host_pattern);
    entry = index_.find(index_.hashed(parts.name), parts.kind).entry;
  }
  if (entry.value != HostIndex::kNone) append_routes(std::string(host_pattern), entry, items);
  return items;
}

void RouteTable::for_each_of(std::uint32_t origin,
                             const std::function<void(const OfOrigin&)>& visit) const {
  auto visit_items = [&](const std::string& host, std::uint32_t value) {
    for (const HostRoutes::Item& item : host_routes_[value & ~kHasRoutes]->items)
      if (item.placed.origin == origin) visit({{host, item.path, item.scheme}, false, 0});
  };
  if (any_host_.value != HostIndex::kNone && (any_host_.value & kHasRoutes) != 0)
    visit_items("*", any_host_.value);
  else if (any_host_.value != HostIndex::kNone && any_host_.origin == origin)
    visit({{"*", {}, {}}, false, 0});
  HostIndex::Reader reader(index_);
  while (const HostIndex::Reader::Item* item = reader.next()) {
    if ((item->entry.value & kHasRoutes) != 0) {
      visit_items(pattern_of(item->name, item->kind), item->entry.value);
    } else if (item->entry.origin == origin) {
      std::string host = pattern_of(item->name, item->kind);
      visit({{host, {}, {}}, true, item->place});
    }
  }
}

HostIndex::Name RouteTable::hashed(std::string_view host) const {
  return index_.hashed(split_host_pattern(host).name);
}

void RouteTable::for_each(
    const std::function<void(const RouteKey& key, PlacedRoute placed)>& visit) const {
  auto visit_host = [&](std::string_view host, const HostIndex::Entry& entry) {
    if ((entry.value & kHasRoutes) == 0)
      return visit({host, {}, {}}, {entry.value, entry.origin});
    for (const HostRoutes::Item& item : host_routes_[entry.value & ~kHasRoutes]->items)
      visit({host, item.path, item.scheme}, item.placed);
  };
  if (any_host_.value != HostIndex::kNone) visit_host("*", any_host_);
  HostIndex::Reader reader(index_);
  while (const HostIndex::Reader::Item* item = reader.next()) {
    if (item->kind == HostIndex::Kind::kExact)
      visit_host(item->name, item->entry);
    else
      visit_host(pattern_of(item->name, item->kind), item->entry);
  }
}

RouteTable::Known RouteTable::known(const RouteKey& key) const {
  Known known;
  HostIndex::Entry entry = any_host_;
  if (key.host != "*") {
    HostPattern parts = split_host_pattern(key.host);
    HostIndex::Name name = key.name != nullptr ? *key.name : index_.hashed(parts.name);
    HostIndex::Found found = index_.find(name, parts.kind);
    entry = found.entry;
    known.place = found.place;
  }
  if (entry.value == HostIndex::kNone) return known;
  known.has_host = true;
  if ((entry.value & kHasRoutes) != 0) {
    known.placed = host_routes_[entry.value & ~kHasRoutes]->find(key);
  } else if (key.path.empty() && !key.scheme) {
    known.placed = {entry.value, entry.origin};
    known.is_alone = key.host != "*";
  }
  return known;
}

}  // namespace weir::route
