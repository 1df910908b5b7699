#include "map_loader.h"

#include <algorithm>

#include "weir/config/notation.h"

namespace weir::table {

using route::HostIndex;
using route::kNoRoute;
using route::RouteKey;
using route::RouteTable;

// Lines of one pool often stand together.
const MapTargets::Found& MapTargets::find(std::string_view text) {
  if (last_.target != kNoRoute && text == last_text_) return last_;
  last_text_ = text;
  // A pool goes with the last that leads there, so it is still where a target of its name leads.
  route::RouteNumber known = targets_.find(text);
  if (known != kNoRoute && targets_.at(known).is_resolved && text.find(':') == text.npos) {
    last_.target = known;
    last_.problem.clear();
  } else {
    last_ = look_at(text, known);
  }
  return last_;
}

MapTargets::Found MapTargets::look_at(std::string_view text, route::RouteNumber known) {
  auto quoted = [text] { return "\"" + printable(text) + "\""; };
  for (std::string_view action : {"redirect:", "empty:"})
    if (text.starts_with(action))
      return wrong("the target " + quoted() + ": " + std::string(action) +
                   " is not available in this version");
  if (text == "hold") return wrong("the target hold is not available in this version");
  if (config::is_name(text)) return look_for_pool(text);
  if (text.find(':') != std::string_view::npos) return look_at_addresses(text, known);
  return wrong("the target " + quoted() + " (expected a pool's name, or IP:PORT[,IP:PORT…])");
}

MapTargets::Found MapTargets::look_for_pool(std::string_view name) {
  SharedText text(name);
  route::RouteNumber target = targets_.intern(text, text);
  targets_.resolve(target, pools_.find(name));
  if (targets_.at(target).is_resolved) return {target, {}};
  bool is_address = IpAddress::parse(name).ok();
  return {target, "there is no pool \"" + printable(name) + "\"" +
                      (is_address ? " (an address needs a port: IP:PORT)" : "")};
}

std::string read_addresses(std::string_view addresses, std::string& name,
                           std::vector<Endpoint>& endpoints) {
  name.clear();
  endpoints.clear();
  for (std::size_t begin = 0; begin <= addresses.size();) {
    std::size_t end = std::min(addresses.find(',', begin), addresses.size());
    std::string_view text = addresses.substr(begin, end - begin);
    Result<Endpoint> endpoint = Endpoint::parse(text);
    if (!endpoint.ok() || endpoint->is_unix() || endpoint->ip.port() == 0)
      return "the address \"" + printable(text) +
             "\" (expected a pool's name, or IP:PORT[,IP:PORT…])";
    if (std::find(endpoints.begin(), endpoints.end(), *endpoint) != endpoints.end())
      return "the address " + endpoint->text() + " stands in the list twice";
    name += (name.empty() ? "" : ",") + endpoint->text();
    endpoints.push_back(std::move(endpoint).value());
    begin = end + 1;
  }
  return {};
}

MapTargets::Found MapTargets::look_at_addresses(std::string_view addresses,
                                                route::RouteNumber known) {
  // As it is written most of the time; listeners may have changed since.
  if (known != kNoRoute && targets_.at(known).is_resolved) {
    for (const auto& backend : pools_.at(*pools_.find(addresses)).backends)
      if (std::string problem = problem_of_(backend->endpoint()); !problem.empty())
        return wrong(problem);
    return {known, {}};
  }
  std::string name;
  if (std::string problem = read_addresses(addresses, name, endpoints_); !problem.empty())
    return wrong(std::move(problem));
  for (const Endpoint& endpoint : endpoints_)
    if (std::string problem = problem_of_(endpoint); !problem.empty())
      return wrong(std::move(problem));
  SharedText text(name);
  std::optional<backend::PoolId> id = pools_.find(name);
  if (!id) id = pools_.make(text, endpoints_);
  route::RouteNumber target = targets_.intern(text, text);
  targets_.resolve(target, id);
  return {target, {}};
}

MapLoader::MapLoader(RouteBook& routes, MapTargets& targets, SourceNumber source)
    : routes_(routes), targets_(targets), source_(source),
      base_served_(routes.served_by_base(source)), was_known_(base_served_ > 0) {
  if (was_known_) seen_places_.resize(routes.base().index().places());
}

bool MapLoader::is_first(const RouteKey& key, const RouteTable::Known& known) {
  bool is_new = true;
  if (known.is_alone) {
    is_new = !seen_places_[known.place];
    seen_places_[known.place] = true;
  } else {
    is_new = seen_keys_.insert(key_text(key)).second;
  }
  seen_ += is_new ? 1 : 0;
  return is_new;
}

void MapLoader::say_twice(const MapEntry& entry) {
  RouteKey key{entry.host, entry.path, std::nullopt};
  problems_.push_back(
      {entry.line, 1, key_text(key) + " stands in this file before", key_text(key)});
}

void MapLoader::on_entries(std::span<const MapEntry> entries) {
  // What many lines wait for they wait for together.
  const route::RouteTable& base = routes_.base();
  names_.clear();
  for (const MapEntry& entry : entries) {
    names_.push_back(base.hashed(entry.host));
    if (was_known_)
      base.index().prefetch(names_.back());
    else
      routes_.editor().prefetch(names_.back());
  }
  if (was_known_)
    for (const HostIndex::Name& name : names_) base.index().prefetch_place(name);
  for (std::size_t at = 0; at < entries.size(); ++at) load(entries[at], names_[at]);
}

void MapLoader::load(const MapEntry& entry, const HostIndex::Name& name) {
  ++entries_;
  const MapTargets::Found& found = targets_.find(entry.target);
  if (!found.problem.empty()) return load_wrong(entry, 0, found.problem);
  RouteKey key{entry.host, entry.path, std::nullopt, &name};
  if (was_known_) {
    RouteTable::Known known = routes_.base().known(key);
    if (known.placed.route != kNoRoute && known.placed.origin == source_) {
      if (!is_first(key, known)) return say_twice(entry);
      if (known.placed.route != found.target)
        routes_.put(key, source_, found.target, RouteBook::IfOwn::kReplace);
      return;
    }
  }
  if (routes_.put(key, source_, found.target, RouteBook::IfOwn::kKeep) == source_) say_twice(entry);
}

// What the source served for the key goes on; otherwise the key leads nowhere.
void MapLoader::load_wrong(const MapEntry& entry, unsigned column, std::string message) {
  RouteKey key{entry.host, entry.path, std::nullopt};
  MapProblem problem{entry.line, column, std::move(message), key_text(key)};
  RouteTable::Known known = was_known_ ? routes_.base().known(key) : RouteTable::Known{};
  if (known.placed.route != kNoRoute && known.placed.origin == source_) {
    if (!is_first(key, known)) return say_twice(entry);
    bool is_served = routes_.targets().at(known.placed.route).is_resolved;
    const MapTargets::Found& found = targets_.find(entry.target);
    if (!is_served && known.placed.route != found.target)
      routes_.put(key, source_, found.target, RouteBook::IfOwn::kReplace);
  } else {
    // What was held back, or waited behind another's, is an earlier version, too.
    route::PlacedRoute there = routes_.find(key);
    bool is_held_back = there.route != kNoRoute && is_stale_origin(there.origin);
    route::RouteNumber earlier = is_held_back ? there.route : routes_.forgotten(key, source_);
    bool is_good = earlier != kNoRoute && routes_.targets().at(earlier).is_resolved;
    std::optional<SourceNumber> other =
        routes_.put(key, source_, is_good ? earlier : targets_.find(entry.target).target,
                    RouteBook::IfOwn::kKeep);
    if (other == source_) return say_twice(entry);
  }
  problems_.push_back(std::move(problem));
}

void MapLoader::on_mistake(const MapMistake& mistake) {
  if (mistake.host.empty()) {
    problems_.push_back({mistake.line, mistake.column, mistake.message, ""});
    return;
  }
  ++entries_;
  // Too wrong to lead anywhere: an empty target is none.
  load_wrong({mistake.host, mistake.path, "", mistake.line}, mistake.column, mistake.message);
}

void MapLoader::finish() {
  if (!was_known_ || seen_ == base_served_) return;
  routes_.base().for_each_of(source_, [&](const RouteTable::OfOrigin& of) {
    bool was_seen = of.is_alone ? static_cast<bool>(seen_places_[of.place])
                                : seen_keys_.contains(key_text(of.key));
    if (!was_seen) routes_.drop(of.key, source_);
  });
}

}  // namespace weir::table
