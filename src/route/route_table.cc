#include "weir/route/route_table.h"

#include <algorithm>
#include <utility>

#include "host_pattern.h"
#include "path_set.h"
#include "weir/base/check.h"
#include "weir/http/forward.h"
#include "weir/route/host_index.h"

namespace weir::route {
namespace {

// A host's routes. Most hosts have one, without path, so that is at hand here.
struct Host {
  SchemeRoutes without_path;
  PathSet::Range paths;
  std::uint32_t schemes = 0;  // a bit per scheme that any of its routes fits

  bool fits(http::Scheme scheme) const {
    return (schemes >> SchemeRoutes::slot_of(scheme) & 1) != 0;
  }
};

std::uint32_t scheme_bits(const Route& route) {
  return route.scheme ? 1u << SchemeRoutes::slot_of(*route.scheme) : 3u;
}

std::size_t scheme_slot(const Route& route) {
  return route.scheme ? SchemeRoutes::slot_of(*route.scheme) : SchemeRoutes::kAny;
}

}  // namespace

struct RouteTable::Impl {
  explicit Impl(std::uint64_t hash_seed) : index(hash_seed) {}

  const Host* find_host(std::string_view name, http::Scheme scheme) const;
  const Host* find_literal(std::string_view host, http::Scheme scheme) const;
  std::uint32_t find_or_add_host(std::string_view pattern);

  HostIndex index;  // to numbers in hosts
  std::vector<Host> hosts;
  std::uint32_t any_host = HostIndex::kNone;  // the number of "*"
  PathSet paths;
  std::vector<std::shared_ptr<const Route>> routes;
  std::vector<std::pair<std::uint32_t, PathMap>> unfinished;  // while building: paths by host
  std::vector<std::uint32_t> unfinished_of_host;  // while building: 0, or 1 + place above
};

const Host* RouteTable::Impl::find_literal(std::string_view host, http::Scheme scheme) const {
  std::uint32_t number = index.find(host, HostIndex::Kind::kExact);
  if (number == HostIndex::kNone && host.front() == '[') {
    number = index.find(canonical_ipv6_literal(host), HostIndex::Kind::kExact);
  }
  return number != HostIndex::kNone && hosts[number].fits(scheme) ? &hosts[number] : nullptr;
}

const Host* RouteTable::Impl::find_host(std::string_view name, http::Scheme scheme) const {
  if (is_ip_literal(name)) {
    if (const Host* host = find_literal(name, scheme)) return host;
  } else if (!name.empty()) {
    HostIndex::Walk walk(index, name);
    for (std::uint32_t number; (number = walk.next()) != HostIndex::kNone;) {
      if (hosts[number].fits(scheme)) return &hosts[number];
    }
  }
  return any_host != HostIndex::kNone && hosts[any_host].fits(scheme) ? &hosts[any_host] : nullptr;
}

std::uint32_t RouteTable::Impl::find_or_add_host(std::string_view pattern) {
  auto next = static_cast<std::uint32_t>(hosts.size());
  std::uint32_t number = any_host;
  if (pattern == "*") {
    if (any_host == HostIndex::kNone) any_host = next;
  } else {
    HostPattern parts = split_host_pattern(pattern);
    number = index.insert(parts.name, parts.kind, next);
  }
  if (number != HostIndex::kNone) return number;
  hosts.emplace_back();
  unfinished_of_host.push_back(0);
  return next;
}

RouteTable::RouteTable(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RouteTable::~RouteTable() = default;

Match RouteTable::find(std::string_view host, std::string_view raw_path, http::Scheme scheme,
                       std::string& scratch) const {
  if (impl_->routes.empty()) return {Outcome::kTableEmpty};
  const Host* found = impl_->find_host(host, scheme);
  if (found == nullptr) return {Outcome::kNoRoute};
  if (found->paths.count > 0) {
    // Before the choice: "/x/../api" chooses one route and asks the backend for another's path.
    if (http::has_dot_dot_segment(raw_path)) return {Outcome::kUnsafePath};
    std::string_view path = http::matching_path(raw_path, scratch);
    std::uint32_t number = impl_->paths.find(found->paths, path, scheme);
    if (number != kNoRouteNumber) return {Outcome::kMatched, &impl_->routes[number]};
  }
  std::uint32_t number = found->without_path.find(scheme);
  if (number == kNoRouteNumber) return {Outcome::kNoRoute};
  return {Outcome::kMatched, &impl_->routes[number]};
}

const Route& RouteTable::route(std::size_t number) const { return *impl_->routes[number]; }

std::vector<std::size_t> RouteTable::routes_of(std::string_view host_pattern) const {
  std::uint32_t number = impl_->any_host;
  if (host_pattern != "*") {
    HostPattern parts = split_host_pattern(host_pattern);
    number = impl_->index.find(parts.name, parts.kind);
  }
  if (number == HostIndex::kNone) return {};
  const Host& host = impl_->hosts[number];
  std::vector<std::size_t> numbers;
  host.without_path.append_to(numbers);
  impl_->paths.append_routes(host.paths, numbers);
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

std::size_t RouteTable::routes() const { return impl_->routes.size(); }
std::size_t RouteTable::hosts() const { return impl_->hosts.size(); }

RouteTableBuilder::RouteTableBuilder(std::uint64_t hash_seed)
    : impl_(std::make_unique<RouteTable::Impl>(hash_seed)) {}
RouteTableBuilder::~RouteTableBuilder() = default;

bool RouteTableBuilder::add(std::string_view host_pattern, std::shared_ptr<const Route> route,
                            const Route** existing) {
  RouteTable::Impl& table = *impl_;
  std::uint32_t host = table.find_or_add_host(host_pattern);
  SchemeRoutes* routes = &table.hosts[host].without_path;
  if (!route->path.empty()) {
    std::uint32_t& place = table.unfinished_of_host[host];
    if (place == 0) {
      table.unfinished.emplace_back(host, PathMap());
      place = static_cast<std::uint32_t>(table.unfinished.size());
    }
    std::string scratch;
    routes =
        &table.unfinished[place - 1].second[std::string(http::matching_path(route->path, scratch))];
  }
  std::uint32_t& number = routes->at(scheme_slot(*route));
  if (number != kNoRouteNumber) {
    *existing = table.routes[number].get();
    return false;
  }
  number = static_cast<std::uint32_t>(table.routes.size());
  table.hosts[host].schemes |= scheme_bits(*route);
  table.routes.push_back(std::move(route));
  return true;
}

std::unique_ptr<const RouteTable> RouteTableBuilder::build() {
  RouteTable::Impl& table = *impl_;
  for (const auto& [host, paths] : table.unfinished) {
    table.hosts[host].paths = table.paths.append(paths);
  }
  table.unfinished = {};
  table.unfinished_of_host = {};
  table.index.finish();
  table.paths.finish();
  table.hosts.shrink_to_fit();
  table.routes.shrink_to_fit();
  return std::unique_ptr<const RouteTable>(new RouteTable(std::move(impl_)));
}

}  // namespace weir::route
