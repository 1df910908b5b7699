#include "weir/table/last_good_store.h"

#include <algorithm>
#include <tuple>
#include <type_traits>

#include "builder.h"
#include "store_file.h"
#include "version.h"

namespace weir::table {
namespace {

// For whoever looks into it. Another number with another form of what follows; settings that are
// added to pools are seen by their number.
constexpr std::string_view kMagic = "weir last good table 1\n";
constexpr std::size_t kMaxHostBytes = route::HostIndex::kMaxNameBytes;

template <typename T>
void put_value(StoreWriter& out, const T& value) {
  if constexpr (std::is_same_v<T, std::string>)
    out.text(value);
  else if constexpr (std::is_same_v<T, Duration>)
    out.number(static_cast<std::uint64_t>(value.count()));
  else
    out.number(static_cast<std::uint64_t>(value));
}

template <typename T>
void take_value(StoreReader& in, T& value) {
  if constexpr (std::is_same_v<T, std::string>)
    value = in.text();
  else if constexpr (std::is_same_v<T, Duration>)
    value = Duration(static_cast<Duration::rep>(in.number()));
  else
    value = static_cast<T>(in.number());
}

template <typename Settings>
void put_settings(StoreWriter& out, const Settings& settings) {
  out.number(std::tuple_size_v<Settings>);
  std::apply([&out](const auto&... value) { (put_value(out, value), ...); }, settings);
}

template <typename Settings>
void take_settings(StoreReader& in, const Settings& settings) {
  if (in.number() != std::tuple_size_v<Settings>)
    return in.fail("it was written by another version of weir");
  std::apply([&in](auto&... value) { (take_value(in, value), ...); }, settings);
}

void put_key(StoreWriter& out, const route::RouteKey& key) {
  out.text(key.host);
  out.text(key.path);
  out.number(!key.scheme ? 0 : *key.scheme == http::Scheme::kHttp ? 1 : 2);
}

OwnedKey take_key(StoreReader& in) {
  OwnedKey key;
  key.host = in.text(kMaxHostBytes + 2);
  if (key.host.empty()) in.fail("a host in it has no name");
  key.path = in.text();
  std::uint64_t scheme = in.number_below(3);
  if (scheme > 0) key.scheme = scheme == 1 ? http::Scheme::kHttp : http::Scheme::kHttps;
  return key;
}

}  // namespace

// What is written, and read, in this order.
struct LastGoodStore::Contents {
  using Impl = Builder::Impl;

  static void put_sources(StoreWriter& out, const Impl& impl) {
    out.text(impl.main_file);
    out.number(impl.sources.size());
    for (const Impl::Source& source : impl.sources) {
      out.text(source.path);
      out.number((source.is_map ? 1u : 0u) | (source.is_loaded ? 2u : 0u));
    }
  }

  static void take_sources(StoreReader& in, Impl& impl) {
    impl.main_file = in.text();
    for (std::uint64_t left = in.number(); left > 0 && in.problem().empty(); --left) {
      Impl::Source& source = impl.sources.emplace_back();
      source.path = in.text();
      std::uint64_t flags = in.number_below(4);
      source.is_main = source.path == impl.main_file;
      source.is_map = (flags & 1) != 0;
      source.is_loaded = (flags & 2) != 0;
      // It is read whatever its state.
      source.content = ~std::uint64_t{0};
      impl.source_numbers.emplace(source.path,
                                  static_cast<SourceNumber>(impl.sources.size() - 1));
    }
  }

  static void put_pool(StoreWriter& out, const Impl& impl, const backend::PoolSpec& pool) {
    out.text(pool.name);
    out.number(impl.backend_guard.source_of(pool.id));
    put_settings(out, settings_of(*pool.settings));
    const auto& health = pool.settings->health;
    out.number(health != nullptr ? 1 : 0);
    if (health != nullptr) put_settings(out, settings_of(*health));
    auto held = impl.backend_guard.held().find(pool.name.str());
    out.number(pool.backends.size());
    for (std::size_t index = 0; index < pool.backends.size(); ++index) {
      const Endpoint& endpoint = pool.backends[index]->endpoint();
      backend::BackendTraits traits = pool.traits_of(index);
      bool is_held = held != impl.backend_guard.held().end() &&
                     std::find(held->second.begin(), held->second.end(), endpoint) !=
                         held->second.end();
      out.text(endpoint.text());
      out.number(traits.weight);
      out.number((traits.is_backup ? 1u : 0u) | (is_held ? 2u : 0u));
    }
  }

  static void take_pool(StoreReader& in, Impl& impl) {
    config::PoolConfig pool;
    pool.name = in.text();
    std::uint64_t source = in.number_below(impl.sources.size());
    take_settings(in, settings_of(pool));
    if (in.number_below(2) == 1) {
      config::HealthConfig health;
      take_settings(in, settings_of(health));
      pool.health = std::make_shared<const config::HealthConfig>(std::move(health));
    }
    std::vector<Endpoint> held;
    for (std::uint64_t left = in.number(); left > 0 && in.problem().empty(); --left) {
      config::BackendConfig backend;
      Result<Endpoint> endpoint = Endpoint::parse(in.text());
      backend.weight = static_cast<unsigned>(in.number());
      std::uint64_t flags = in.number_below(4);
      if (!endpoint.ok()) return in.fail("an address in it is none");
      backend.endpoint = *endpoint;
      backend.is_backup = (flags & 1) != 0;
      if ((flags & 2) != 0) held.push_back(*endpoint);
      pool.backends.push_back(std::move(backend));
    }
    if (!in.problem().empty()) return;
    PoolBook::PoolId id = impl.pools.set(pool);
    impl.backend_guard.set_source(id, static_cast<SourceNumber>(source));
    if (!held.empty()) impl.backend_guard.hold(pool.name, std::move(held));
  }

  static void put_pools(StoreWriter& out, const Impl& impl) {
    std::size_t count = 0;
    impl.pools.for_each_defined([&](const backend::PoolSpec&) { ++count; });
    out.number(count);
    impl.pools.for_each_defined(
        [&](const backend::PoolSpec& pool) { put_pool(out, impl, pool); });
  }

  static void take_pools(StoreReader& in, Impl& impl) {
    for (std::uint64_t left = in.number(); left > 0 && in.problem().empty(); --left)
      take_pool(in, impl);
  }

  // Of a target that leads to a pool that may be there for others alone, to one whose name says
  // everything of it, and with a label of its own.
  static constexpr std::uint64_t kResolved = 1, kMade = 2, kLabelled = 4;

  static bool is_made(const Impl& impl, std::string_view pool) {
    std::optional<PoolBook::PoolId> id = impl.pools.find(pool);
    return id && impl.pools.is_made(*id);
  }

  // Where keys lead, numbered anew.
  static std::vector<std::uint32_t> put_targets(StoreWriter& out, const Impl& impl) {
    std::vector<std::uint32_t> numbers;
    const Targets& targets = impl.routes.targets();
    out.number(targets.size());
    std::uint32_t next = 0;
    targets.for_each([&](route::RouteNumber number, const Targets::Target& target) {
      if (number >= numbers.size()) numbers.resize(number + 1);
      numbers[number] = next++;
      bool is_labelled = target.label != target.pool;
      out.number((target.is_resolved ? kResolved : 0) |
                 (is_made(impl, target.pool) ? kMade : 0) | (is_labelled ? kLabelled : 0));
      out.text(target.pool);
      if (is_labelled) out.text(target.label);
    });
    return numbers;
  }

  static std::vector<route::RouteNumber> take_targets(StoreReader& in, Impl& impl) {
    std::vector<route::RouteNumber> numbers;
    Targets& targets = impl.routes.targets();
    // The first build sets them to what the configuration says.
    impl.pools.set_defaults_of_made(impl.map_pool);
    std::string name;
    std::vector<Endpoint> endpoints;
    for (std::uint64_t left = in.number(); left > 0 && in.problem().empty(); --left) {
      std::uint64_t flags = in.number_below(8);
      std::string pool(in.text());
      std::string label = (flags & kLabelled) != 0 ? std::string(in.text()) : pool;
      std::optional<PoolBook::PoolId> id = impl.pools.find(pool);
      if ((flags & kMade) != 0 && !id) {
        if (!read_addresses(pool, name, endpoints).empty() || name != pool) {
          in.fail("an address in it is none");
          break;
        }
        id = impl.pools.make(SharedText(pool), endpoints);
      }
      SharedText pool_text(pool);
      numbers.push_back(targets.intern(label == pool ? pool_text : SharedText(label), pool_text));
      if ((flags & kResolved) != 0) targets.resolve(numbers.back(), id);
    }
    return numbers;
  }

  static void put_keys(StoreWriter& out, const Impl& impl,
                       const std::vector<std::uint32_t>& targets) {
    auto put_entry = [&](const route::RouteKey& key, std::uint32_t origin,
                         route::RouteNumber target) {
      put_key(out, key);
      out.number(std::uint64_t{origin & ~kStaleOrigin} << 1 | (is_stale_origin(origin) ? 1 : 0));
      out.number(targets[target]);
    };
    out.number(impl.routes.base().routes());
    impl.routes.base().for_each([&](const route::RouteKey& key, route::PlacedRoute placed) {
      put_entry(key, placed.origin, placed.route);
    });
    out.number(impl.routes.waiting());
    impl.routes.for_each_waiting(put_entry);
  }

  static void take_keys(StoreReader& in, Impl& impl,
                        const std::vector<route::RouteNumber>& targets) {
    std::uint64_t served = in.number();
    impl.routes.editor().expect(static_cast<std::size_t>(std::min<std::uint64_t>(served, 1 << 24)));
    for (int part = 0; part < 2; ++part) {
      std::uint64_t left = part == 0 ? served : in.number();
      for (; left > 0 && in.problem().empty(); --left) {
        OwnedKey key = take_key(in);
        std::uint64_t place = in.number_below(std::uint64_t{impl.sources.size()} << 1);
        std::uint64_t target = in.number_below(targets.size());
        if (!in.problem().empty()) return;
        auto source = static_cast<SourceNumber>(place >> 1);
        bool is_stale = (place & 1) != 0;
        impl.routes.put(key, is_stale ? source | kStaleOrigin : source, targets[target],
                        RouteBook::IfOwn::kReplace);
        if (!is_stale && !impl.sources[source].is_map)
          impl.toml.restore(std::move(key), source, targets[target]);
      }
    }
  }
};

Status<> LastGoodStore::save(const Builder& builder, const config::LastGoodFiles& files,
                             const std::string& path) {
  const Builder::Impl& impl = *builder.impl_;
  StoreWriter out(path);
  out.bytes(kMagic);
  Contents::put_sources(out, impl);
  Contents::put_pools(out, impl);
  Contents::put_keys(out, impl, Contents::put_targets(out, impl));
  config::for_each_text(files, [&](const std::string& file, const std::string& text) {
    out.number(1);
    out.text(file);
    out.text(text);
  });
  out.number(0);
  return out.finish();
}

Result<bool> LastGoodStore::load(const std::string& path, Builder& builder,
                                 config::LastGoodFiles& files) {
  Builder::Impl& impl = *builder.impl_;
  StoreReader in(path);
  if (!in.is_there()) return false;
  if (in.problem().empty() && in.bytes(kMagic.size()) != kMagic)
    in.fail("it was written by another version of weir");
  Contents::take_sources(in, impl);
  Contents::take_pools(in, impl);
  Contents::take_keys(in, impl, Contents::take_targets(in, impl));
  std::unordered_map<std::string, std::string> texts;
  while (in.number_below(2) == 1 && in.problem().empty()) {
    std::string file(in.text());
    texts.emplace(std::move(file), in.long_text());
  }
  if (!in.problem().empty()) return Err{Error{in.problem()}};
  // Those that could be read since are newer.
  for (auto& [file, text] : texts) config::add_text(files, file, std::move(text));
  impl.toml.end_restore();
  impl.begin_with_restored();
  return true;
}

}  // namespace weir::table
