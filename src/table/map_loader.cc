#include "map_loader.h"

#include <algorithm>

#include "weir/config/notation.h"

namespace weir::table {
namespace {

using route::kNoRoute;
using route::RouteKey;
using route::RouteTable;

}  // namespace

const MapTargets::Found& MapTargets::find(std::string_view text) {
  if (last_ != nullptr && text == last_text_) return *last_;
  last_text_ = text;
  auto [known, is_new] = known_.try_emplace(last_text_);
  if (is_new) known->second = look_at(text);
  last_ = &known->second;
  return *last_;
}

MapTargets::Found MapTargets::look_at(std::string_view text) {
  auto wrong = [&](std::string problem) {
    return Found{targets_.intern(kWrongLabel, ""), std::move(problem)};
  };
  std::string quoted = "\"" + std::string(text.substr(0, 100)) + "\"";
  for (std::string_view action : {"redirect:", "empty:"})
    if (text.starts_with(action))
      return wrong("the target " + quoted + ": " + std::string(action) +
                   " is not available in this version");
  if (text == "hold") return wrong("the target hold is not available in this version");
  if (config::is_name(text)) {
    route::RouteNumber target = targets_.intern(text, text);
    targets_.resolve(target, pools_.find(text));
    if (targets_.at(target).is_resolved) return {target, {}};
    bool is_address = IpAddress::parse(text).ok();
    return {target, "there is no pool " + quoted +
                        (is_address ? " (an address needs a port: IP:PORT)" : "")};
  }
  if (text.find(':') != std::string_view::npos) return make_pool(text);
  return wrong("the target " + quoted + " (expected a pool's name, or IP:PORT[,IP:PORT…])");
}

MapTargets::Found MapTargets::make_pool(std::string_view addresses) {
  auto wrong = [&](std::string problem) {
    return Found{targets_.intern(kWrongLabel, ""), std::move(problem)};
  };
  config::PoolConfig pool = defaults_;
  pool.backends.clear();
  pool.name.clear();
  for (std::size_t begin = 0; begin <= addresses.size();) {
    std::size_t end = std::min(addresses.find(',', begin), addresses.size());
    std::string_view text = addresses.substr(begin, end - begin);
    Result<Endpoint> endpoint = Endpoint::parse(text);
    if (!endpoint.ok() || endpoint->is_unix() || endpoint->ip.port() == 0)
      return wrong("the address \"" + std::string(text.substr(0, 100)) +
                   "\" (expected a pool's name, or IP:PORT[,IP:PORT…])");
    if (std::string problem = problem_of_(*endpoint); !problem.empty()) return wrong(problem);
    for (const config::BackendConfig& other : pool.backends)
      if (other.endpoint == *endpoint)
        return wrong("the address " + endpoint->text() + " stands in the list twice");
    config::BackendConfig backend;
    backend.endpoint = *endpoint;
    pool.name += (pool.name.empty() ? "" : ",") + endpoint->text();
    pool.backends.push_back(std::move(backend));
    begin = end + 1;
  }
  std::optional<backend::PoolId> id = pools_.find(pool.name);
  if (!id) id = pools_.make(pool);
  route::RouteNumber target = targets_.intern(pool.name, pool.name);
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
      {entry.line, 1, key_text(key) + " stands in this file before", key_text(key), true});
}

void MapLoader::on_entries(std::span<const MapEntry> entries) {
  for (const MapEntry& entry : entries) {
    if (was_known_)
      routes_.base().prefetch(entry.host);
    else
      routes_.editor().prefetch(entry.host);
  }
  for (const MapEntry& entry : entries) load(entry);
}

void MapLoader::load(const MapEntry& entry) {
  ++entries_;
  const MapTargets::Found& found = targets_.find(entry.target);
  if (!found.problem.empty()) return load_wrong(entry, 0, found.problem);
  RouteKey key{entry.host, entry.path, std::nullopt};
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
  MapProblem problem{entry.line, column, std::move(message), key_text(key), false};
  RouteTable::Known known = was_known_ ? routes_.base().known(key) : RouteTable::Known{};
  if (known.placed.route != kNoRoute && known.placed.origin == source_) {
    if (!is_first(key, known)) return say_twice(entry);
    problem.is_served = routes_.targets().at(known.placed.route).is_resolved;
    const MapTargets::Found& found = targets_.find(entry.target);
    if (!problem.is_served && known.placed.route != found.target)
      routes_.put(key, source_, found.target, RouteBook::IfOwn::kReplace);
  } else {
    const MapTargets::Found& found = targets_.find(entry.target);
    std::optional<SourceNumber> other =
        routes_.put(key, source_, found.target, RouteBook::IfOwn::kKeep);
    if (other == source_) return say_twice(entry);
    problem.is_served = other.has_value();
  }
  problems_.push_back(std::move(problem));
}

void MapLoader::on_mistake(const MapMistake& mistake) {
  if (mistake.host.empty()) {
    problems_.push_back({mistake.line, mistake.column, mistake.message, "", false});
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
