#include <malloc.h>

#include <algorithm>
#include <set>
#include <tuple>
#include <unordered_map>

#include "builder.h"
#include "fingerprint.h"
#include "map_lines.h"
#include "own_listener.h"
#include "version.h"

namespace weir::table {
namespace {

using config::EntryKind;
using config::Place;

constexpr std::size_t kMaxMovedListed = 100;
// Of a map file, about, to guess how many hosts are going to come.
constexpr std::size_t kUsualLineBytes = 32;

std::string quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

}  // namespace

// One place is told once; that it would lead to weir itself is the news, since whatever else is wrong
// with an address would only lead there.
void Builder::Impl::say(Quarantined entry) {
  bool is_loop = entry.reason.find("is weir's own listener") != std::string::npos;
  auto known = !is_loop || quarantine.listed.empty()
                   ? quarantine.listed.end()
                   : std::find_if(
                         quarantine.listed.begin(), quarantine.listed.end(),
                         [&](const Quarantined& other) { return other.place == entry.place; });
  if (known == quarantine.listed.end())
    quarantine.add(std::move(entry));
  else
    *known = std::move(entry);
}

SourceNumber Builder::Impl::source_of(const std::string& path, const config::Config& config) {
  auto [known, is_new] =
      source_numbers.try_emplace(path, static_cast<SourceNumber>(sources.size()));
  if (is_new) {
    sources.emplace_back();
    sources.back().path = path;
    sources.back().is_main = path == config.main_file;
  }
  return known->second;
}

config::PoolConfig Builder::Impl::without_bad_backends(const config::Config& config,
                                                       const config::PoolConfig& pool) {
  config::PoolConfig good = pool;
  good.backends.clear();
  std::set<Endpoint> endpoints;
  for (const config::BackendConfig& backend : pool.backends) {
    std::string address = backend.endpoint.text();
    if (!endpoints.insert(backend.endpoint).second) {
      say({EntryKind::kBackend, backend.place,
           "backend " + address + " is listed twice in pool " + quoted(pool.name), address, true});
      continue;
    }
    std::string problem = problem_of_backend(config, backend.endpoint);
    if (problem.empty())
      good.backends.push_back(backend);
    else
      say({EntryKind::kBackend, backend.place, problem, address, false});
  }
  return good;
}

void Builder::Impl::look_at_binds(const config::Config& config) {
  std::vector<config::BindAddress> now = config.admin.bind;
  now.insert(now.end(), config.metrics.bind.begin(), config.metrics.bind.end());
  for (const config::ListenerConfig& listener : config.listeners)
    now.insert(now.end(), listener.bind.begin(), listener.bind.end());
  has_new_binds = now != binds;
  binds = std::move(now);
}

void Builder::Impl::define_pools(const config::Config& config, Force force) {
  std::unordered_map<std::string_view, const config::PoolConfig*> first;
  std::vector<BackendGuard::Next> next;
  defined.clear();
  for (const config::PoolConfig& pool : config.pools) {
    auto [earlier, is_new] = first.emplace(pool.name, &pool);
    if (is_new) {
      defined.insert(pool.name);
      next.push_back({&pool, source_of(pool.place.file, config)});
      continue;
    }
    say({EntryKind::kPool, pool.place,
         "pool " + quoted(pool.name) + " is already defined at " + earlier->second->place.text(),
         pool.name, true});
  }
  backend_guard.decide(pools, next, max_removed, force == Force::kYes);
  auto may_be = [&](const Endpoint& endpoint) {
    return problem_of_backend(config, endpoint).empty();
  };
  for (const auto& [pool, source] : next) {
    bool was_there = pools.find(pool->name).has_value();
    config::PoolConfig good = without_bad_backends(config, *pool);
    backend_guard.complete(pools, good, may_be);
    backend::PoolId id = pools.set(good);
    backend_guard.set_source(id, source);
    if (was_there) continue;
    has_new_pool = true;
    for (route::RouteNumber target : routes.targets().of_pool(pool->name))
      routes.targets().resolve(target, id);
  }
  vanished.clear();
  for (std::string& name : pools.names())
    if (!defined.contains(name)) vanished.push_back(std::move(name));
}

// A pool that an entry needs stays as it was.
void Builder::Impl::remove_pools() {
  for (const std::string& name : vanished) {
    std::size_t entries = 0;
    std::size_t stale = 0;
    for (route::RouteNumber target : routes.targets().of_pool(name)) {
      entries += routes.targets().at(target).uses;
      stale += routes.targets().at(target).stale_uses;
    }
    if (entries == 0) {
      pools.remove(name);
      backend_guard.forget(name);
      continue;
    }
    // Held back with the hosts that need it.
    if (entries == stale) continue;
    std::string what = std::to_string(entries) + (entries == 1 ? " route leads" : " routes lead");
    if (bad_pools.contains(name)) continue;
    say({EntryKind::kPool,
         {main_file, 0, 0},
         "pool " + quoted(name) + " is not defined any more, but " + what +
             " there: it stays as it was",
         name,
         true});
  }
}

void Builder::Impl::drop_map(SourceNumber number) {
  routes.base().for_each_of(number, [&](const route::RouteTable::OfOrigin& of) {
    routes.drop(of.key, number);
  });
  Source& source = sources[number];
  source.is_map = false;
  source.is_loaded = false;
  source.problems.clear();
}

// Whether the map is to be read.
bool Builder::Impl::is_map_news(Source& source) {
  source.failure.clear();
  Result<FileState> state = state_of(source.path);
  if (!state.ok()) {
    source.failure = state.error().message;
    return false;
  }
  // A line whose pool was not there may be good now, or an address is weir's own now.
  bool may_differ = has_new_binds || (has_new_pool && !source.problems.empty());
  if (source.is_loaded && *state == source.state && !may_differ) return false;
  Result<std::uint64_t> content = examine_map(source.path);
  if (!content.ok()) {
    source.failure = content.error().message;
    return false;
  }
  bool is_same = source.is_loaded && *content == source.content;
  source.state = *state;
  source.content = *content;
  return !is_same || may_differ;
}

// Those that are going to tell all of their entries again, or none: what waits of them may not come
// forward meanwhile.
void Builder::Impl::look_at_maps(const config::Config& config) {
  for (Source& source : sources) source.is_listed = false;
  for (const std::string& path : config.maps) {
    SourceNumber number = source_of(path, config);
    sources[number].is_map = true;
    sources[number].is_listed = true;
  }
  for (SourceNumber number = 0; number < sources.size(); ++number) {
    Source& source = sources[number];
    source.is_news = source.is_map && (!source.is_listed || is_map_news(source));
    if (source.is_news) routes.drop_waiting(number);
  }
}

void Builder::Impl::load_map(SourceNumber number, MapTargets& targets) {
  Source& source = sources[number];
  if (routes.editor().routes() == 0) routes.editor().expect(source.state.size / kUsualLineBytes);
  MapLoader loader(routes, targets, number);
  Result<std::uint64_t> read = read_map(source.path, loader);
  loader.finish();
  source.problems = loader.take_problems();
  source.entries = loader.entries();
  source.is_loaded = true;
  if (read.ok() && *read == source.content) return;
  // It was written meanwhile, and what stands in the table is neither version: the next build reads
  // it again.
  source.state = {};
  source.content = 0;
  source.failure = "the file changed while it was read";
}

void Builder::Impl::load_maps(const config::Config& config) {
  if (generation == 0 || !has_same_defaults(map_pool, config.map_pool)) {
    map_pool = config.map_pool;
    pools.set_defaults_of_made(map_pool);
  }
  MapTargets targets(pools, routes.targets(), [&](const Endpoint& endpoint) {
    return problem_of_backend(config, endpoint);
  });
  for (SourceNumber number = 0; number < sources.size(); ++number) {
    if (!sources[number].is_news) continue;
    if (sources[number].is_listed)
      load_map(number, targets);
    else
      drop_map(number);
  }
}

// Whether the key of a map leads somewhere, be it by another entry.
bool Builder::Impl::is_served(std::string_view key) const {
  std::size_t slash = std::min(key.find('/'), key.size());
  route::PlacedRoute there = routes.find({key.substr(0, slash), key.substr(slash), std::nullopt});
  return there.route != route::kNoRoute && routes.targets().at(there.route).is_resolved;
}

void Builder::Impl::say_map_problems() {
  for (const Source& source : sources) {
    if (!source.is_map) continue;
    if (!source.failure.empty())
      say({EntryKind::kFile, {source.path, 0, 0}, source.failure, source.path, source.is_loaded});
    // Of a version that is not on disk any more the lines mean nothing.
    if (!source.failure.empty()) continue;
    for (const MapProblem& problem : source.problems)
      say({EntryKind::kRoute,
           {source.path, problem.line, problem.column},
           problem.message,
           problem.key,
           is_served(problem.key)});
  }
}

void Builder::Impl::say_waiting() {
  std::vector<RouteBook::Waiting> waiting = routes.list_waiting(Quarantine::kMaxListed);
  MapLines lines;
  auto place_of = [&](const OwnedKey& key, SourceNumber number) {
    if (const config::Place* place = toml.place_of(key, number)) return *place;
    return Place{sources[number].path, lines.line_of(sources[number].path, key), 1};
  };
  for (const RouteBook::Waiting& entry : waiting)
    for (SourceNumber number : {entry.source, entry.before_it})
      if (toml.place_of(entry.key, number) == nullptr)
        lines.want(sources[number].path, entry.key);
  for (const RouteBook::Waiting& entry : waiting)
    say({EntryKind::kRoute, place_of(entry.key, entry.source),
         key_text(entry.key) + " is already routed at " +
             place_of(entry.key, entry.before_it).text(),
         key_text(entry.key), true});
  quarantine.counts[static_cast<std::size_t>(EntryKind::kRoute)] +=
      routes.waiting() - waiting.size();
}

void Builder::Impl::begin_with_restored() {
  Difference ignored;
  std::vector<RouteBook::MovedHost> moved;
  routes.publish(ignored, moved);
  last_pools = pools.publish();
}

Stale Builder::Impl::list_stale() const {
  if (routes.stale() == 0 && backend_guard.held().empty()) return {};
  auto path_of = [this](SourceNumber number) -> const std::string& { return sources[number].path; };
  return table::list_stale(routes.base(), pools, backend_guard, path_of, max_removed);
}

Builder::Built Builder::Impl::publish() {
  Built built;
  std::vector<RouteBook::MovedHost> moved;
  routes.targets().remove_unused([this](std::string_view pool) {
    std::optional<backend::PoolId> id = pools.find(pool);
    if (id && pools.is_made(*id)) pools.remove(pool);
  });
  auto tables = std::make_shared<Tables>();
  tables->routes = routes.publish(built.difference, moved);
  tables->pools = pools.publish();
  compare_pools(*last_pools, *tables->pools, built.difference);
  if (generation == 0 || !built.difference.is_empty()) ++generation;
  tables->generation = generation;
  tables->hash = Fingerprint().add(routes.hash()).add(pools.hash()).value();
  std::stable_sort(quarantine.listed.begin(), quarantine.listed.end(),
                   [this](const Quarantined& a, const Quarantined& b) {
                     bool is_of_main = a.place.file == main_file;
                     if (is_of_main != (b.place.file == main_file)) return is_of_main;
                     return a.place.order() < b.place.order();
                   });
  tables->quarantine = std::exchange(quarantine, {});
  built.has_new_quarantine = tables->quarantine != last_quarantine;
  last_quarantine = tables->quarantine;
  tables->stale = list_stale();
  built.has_new_stale = tables->stale != last_stale;
  last_stale = tables->stale;
  for (const RouteBook::MovedHost& host : moved)
    if (built.moved.size() < kMaxMovedListed)
      built.moved.push_back({host.host, sources[host.from].path, sources[host.to].path});
  last_pools = tables->pools;
  built.tables = std::move(tables);
  return built;
}

Builder::Builder(unsigned workers, std::uint64_t hash_seed)
    : impl_(std::make_unique<Impl>(workers, hash_seed)) {}
Builder::~Builder() = default;

Builder::Built Builder::build(const config::Config& config,
                              const std::vector<config::Diagnostic>& known, Force force) {
  Impl& impl = *impl_;
  impl.max_removed = config.routes.max_removed_percent;
  impl.has_new_pool = false;
  impl.main_file = config.main_file;
  impl.bad_pools = {config.bad_pools.begin(), config.bad_pools.end()};
  for (const config::Diagnostic& problem : known)
    impl.say({*problem.entry, problem.place, problem.message, {}, std::nullopt});
  impl.look_at_binds(config);
  impl.define_pools(config, force);
  if (force == Force::kYes) impl.routes.release_all();
  impl.look_at_maps(config);
  impl.toml.update(
      config.route_entries, impl.routes,
      {.source_of = [&](const std::string& file) { return impl.source_of(file, config); },
       .find_pool =
           [&](const std::string& pool) {
             return impl.defined.contains(pool) ? impl.pools.find(pool) : std::nullopt;
           },
       .is_pool_told =
           [&](const std::string& pool) {
             return config.has_unread_pools || impl.bad_pools.contains(pool);
           },
       .say = [&](Quarantined entry) { impl.say(std::move(entry)); }});
  impl.load_maps(config);
  if (force == Force::kNo) guard_hosts(impl.routes, config.routes.max_removed_percent);
  impl.remove_pools();
  impl.say_map_problems();
  impl.say_waiting();
  Built built = impl.publish();
  // What a build needed for a while is the table's size again.
  malloc_trim(0);
  return built;
}

std::vector<Builder::MapFile> Builder::map_files() const {
  std::vector<MapFile> files;
  for (SourceNumber number = 0; number < impl_->sources.size(); ++number) {
    const Impl::Source& source = impl_->sources[number];
    if (source.is_map)
      files.push_back({source.path, source.entries, impl_->routes.served(number),
                       source.problems.size(), source.failure});
  }
  std::sort(files.begin(), files.end(),
            [](const MapFile& a, const MapFile& b) { return a.path < b.path; });
  return files;
}

const std::string& Builder::file_of(std::uint32_t origin) const {
  return impl_->sources[origin & ~kStaleOrigin].path;
}

std::vector<Place> Builder::places_of(const route::RouteKey& key) const {
  std::vector<Place> places;
  for (SourceNumber source : impl_->routes.sources_of(key)) {
    const std::string& path = file_of(source);
    // Held back: it stands nowhere.
    if (is_stale_origin(source)) {
      places.push_back({path, 0, 0});
      continue;
    }
    if (const Place* place = impl_->toml.place_of(OwnedKey(key), source)) {
      places.push_back(*place);
      continue;
    }
    MapLines lines;
    lines.want(path, OwnedKey(key));
    places.push_back({path, lines.line_of(path, OwnedKey(key)), 1});
  }
  return places;
}

}  // namespace weir::table
