#include <map>
#include <utility>

#include "host_pattern.h"
#include "host_routes.h"
#include "weir/base/check.h"
#include "weir/route/route_table.h"

namespace weir::route {
namespace {

std::uint32_t scheme_bits(const std::optional<http::Scheme>& scheme) {
  return scheme ? 1u << SchemeRoutes::slot_of(*scheme) : 3u;
}

bool is_for_everything(const RouteKey& key) { return key.path.empty() && !key.scheme; }

}  // namespace

// A host's routes while they change: by path as it is compared, then scheme.
struct RouteTableEditor::OpenHost {
  using Key = HostRoutes::Key;
  std::string host;
  std::map<Key, HostRoutes::Item> routes;

  static Key key_of(std::string_view path, const std::optional<http::Scheme>& scheme) {
    return HostRoutes::key_of(path, scheme);
  }
  std::shared_ptr<const HostRoutes> close() const;
};

std::shared_ptr<const HostRoutes> RouteTableEditor::OpenHost::close() const {
  auto closed = std::make_shared<HostRoutes>();
  PathMap paths;
  closed->items.reserve(routes.size());
  for (const auto& [key, item] : routes) {
    SchemeRoutes& of_path = key.first.empty() ? closed->without_path : paths[key.first];
    of_path.at(key.second) = item.placed.route;
    closed->schemes |= scheme_bits(item.scheme);
    closed->items.push_back(item);
  }
  closed->paths = PathSet(paths);
  return closed;
}

RouteTableEditor::RouteTableEditor(std::uint64_t hash_seed) : index_(hash_seed) {}
RouteTableEditor::~RouteTableEditor() = default;

RouteNumber RouteTableEditor::add_route(std::shared_ptr<const Route> route) {
  if (free_routes_.empty()) {
    WEIR_CHECK(routes_.size() < RouteTable::kHasRoutes);
    routes_.push_back(std::move(route));
    return static_cast<RouteNumber>(routes_.size() - 1);
  }
  RouteNumber number = free_routes_.back();
  free_routes_.pop_back();
  routes_.at(number) = std::move(route);
  return number;
}

void RouteTableEditor::replace_route(RouteNumber number, std::shared_ptr<const Route> route) {
  routes_.at(number) = std::move(route);
}

void RouteTableEditor::remove_route(RouteNumber number) {
  routes_.at(number) = nullptr;
  free_routes_.push_back(number);
}

HostIndex::Entry RouteTableEditor::entry_of(const RouteKey& key) const {
  if (key.host == "*") return any_host_;
  HostPattern parts = split_host_pattern(key.host);
  return index_.find(name_of(key, parts.name), parts.kind);
}

HostIndex::Entry RouteTableEditor::insert_entry(const RouteKey& key, HostIndex::Entry entry) {
  if (key.host == "*")
    return any_host_.value != HostIndex::kNone ? any_host_ : (any_host_ = entry, HostIndex::Entry{});
  HostPattern parts = split_host_pattern(key.host);
  return index_.insert(name_of(key, parts.name), parts.kind, entry);
}

void RouteTableEditor::set_entry(const RouteKey& key, HostIndex::Entry entry) {
  if (key.host == "*") {
    any_host_ = entry;
    return;
  }
  HostPattern parts = split_host_pattern(key.host);
  index_.set(name_of(key, parts.name), parts.kind, entry);
}

void RouteTableEditor::erase_entry(const RouteKey& key) {
  if (key.host == "*") {
    any_host_ = {};
    return;
  }
  HostPattern parts = split_host_pattern(key.host);
  index_.erase(name_of(key, parts.name), parts.kind);
}

RouteTableEditor::OpenHost& RouteTableEditor::opened(const RouteKey& key,
                                                     HostIndex::Entry entry) {
  bool has_routes = entry.value != HostIndex::kNone && (entry.value & RouteTable::kHasRoutes) != 0;
  std::uint32_t number = entry.value & ~RouteTable::kHasRoutes;
  if (!has_routes) {
    if (free_host_routes_.empty()) {
      number = static_cast<std::uint32_t>(host_routes_.size());
      host_routes_.push_back(nullptr);
    } else {
      number = free_host_routes_.back();
      free_host_routes_.pop_back();
    }
  }
  std::unique_ptr<OpenHost>& open = open_hosts_[number];
  if (open != nullptr) return *open;
  open = std::make_unique<OpenHost>();
  open->host = key.host;
  if (has_routes) {
    for (const HostRoutes::Item& item : host_routes_[number]->items)
      open->routes.emplace(OpenHost::key_of(item.path, item.scheme), item);
  } else {
    if (entry.value != HostIndex::kNone)
      open->routes.emplace(OpenHost::key_of("", std::nullopt),
                           HostRoutes::Item{"", std::nullopt, {entry.value, entry.origin}});
    set_entry(key, {RouteTable::kHasRoutes | number, 0});
  }
  return *open;
}

PlacedRoute RouteTableEditor::find_in(HostIndex::Entry entry, const RouteKey& key) const {
  if (entry.value == HostIndex::kNone) return {};
  if ((entry.value & RouteTable::kHasRoutes) == 0)
    return is_for_everything(key) ? PlacedRoute{entry.value, entry.origin} : PlacedRoute{};
  std::uint32_t number = entry.value & ~RouteTable::kHasRoutes;
  auto open = open_hosts_.find(number);
  if (open == open_hosts_.end()) return host_routes_[number]->find(key);
  auto found = open->second->routes.find(OpenHost::key_of(key.path, key.scheme));
  return found == open->second->routes.end() ? PlacedRoute{} : found->second.placed;
}

PlacedRoute RouteTableEditor::find(const RouteKey& key) const {
  return find_in(entry_of(key), key);
}

std::vector<RouteTableEditor::Placed> RouteTableEditor::routes_of(std::string_view host) const {
  HostIndex::Entry entry = entry_of({host, {}, {}});
  if (entry.value == HostIndex::kNone) return {};
  if ((entry.value & RouteTable::kHasRoutes) == 0)
    return {{{host, {}, {}}, {entry.value, entry.origin}}};
  std::uint32_t number = entry.value & ~RouteTable::kHasRoutes;
  std::vector<Placed> routes;
  if (auto open = open_hosts_.find(number); open != open_hosts_.end()) {
    for (const auto& [key, item] : open->second->routes)
      routes.push_back({{host, item.path, item.scheme}, item.placed});
  } else {
    for (const HostRoutes::Item& item : host_routes_[number]->items)
      routes.push_back({{host, item.path, item.scheme}, item.placed});
  }
  return routes;
}

PlacedRoute RouteTableEditor::insert(const RouteKey& key, PlacedRoute placed) {
  if (is_for_everything(key)) {
    HostIndex::Entry there = insert_entry(key, {placed.route, placed.origin});
    if (there.value == HostIndex::kNone) {
      ++route_count_;
      return {};
    }
    if (PlacedRoute found = find_in(there, key); found.route != kNoRoute) return found;
  } else if (PlacedRoute found = find(key); found.route != kNoRoute) {
    return found;
  }
  return set(key, placed);
}

PlacedRoute RouteTableEditor::set(const RouteKey& key, PlacedRoute placed) {
  HostIndex::Entry entry = entry_of(key);
  bool is_there = entry.value != HostIndex::kNone;
  bool has_routes = is_there && (entry.value & RouteTable::kHasRoutes) != 0;
  if (is_for_everything(key) && !has_routes) {
    route_count_ += is_there ? 0 : 1;
    set_entry(key, {placed.route, placed.origin});
    return is_there ? PlacedRoute{entry.value, entry.origin} : PlacedRoute{};
  }
  OpenHost& host = opened(key, entry);
  HostRoutes::Item item{std::string(key.path), key.scheme, placed};
  auto [place, is_new] = host.routes.try_emplace(OpenHost::key_of(key.path, key.scheme), item);
  if (is_new) {
    ++route_count_;
    return {};
  }
  return std::exchange(place->second, std::move(item)).placed;
}

PlacedRoute RouteTableEditor::erase(const RouteKey& key) {
  HostIndex::Entry entry = entry_of(key);
  PlacedRoute found = find_in(entry, key);
  if (found.route == kNoRoute) return found;
  --route_count_;
  if ((entry.value & RouteTable::kHasRoutes) == 0)
    erase_entry(key);
  else
    opened(key, entry).routes.erase(OpenHost::key_of(key.path, key.scheme));
  return found;
}

// A host's form depends on its routes alone, not on how they came.
void RouteTableEditor::close_hosts() {
  for (const auto& [number, host] : std::exchange(open_hosts_, {})) {
    bool is_one = host->routes.size() == 1 && host->routes.begin()->second.path.empty() &&
                  !host->routes.begin()->second.scheme;
    if (!host->routes.empty() && !is_one) {
      host_routes_.at(number) = host->close();
      continue;
    }
    if (is_one) {
      const HostRoutes::Item& item = host->routes.begin()->second;
      set_entry({host->host, {}, {}}, {item.placed.route, item.placed.origin});
    } else {
      erase_entry({host->host, {}, {}});
    }
    host_routes_.at(number) = nullptr;
    free_host_routes_.push_back(number);
  }
}

std::shared_ptr<const RouteTable> RouteTableEditor::publish() {
  close_hosts();
  std::shared_ptr<RouteTable> table(new RouteTable(index_.publish()));
  table->any_host_ = any_host_;
  table->routes_ = routes_.share();
  table->host_routes_ = host_routes_.share();
  table->route_count_ = route_count_;
  return table;
}

}  // namespace weir::route
