#pragma once
// What a Builder remembers between two builds, and the steps of one: builder.cc. Builder thread.
#include <memory>
#include <string>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "guard.h"
#include "map_file.h"
#include "map_loader.h"
#include "toml_routes.h"
#include "weir/table/build.h"

namespace weir::table {

struct Builder::Impl {
  struct Source {
    std::string path;
    bool is_main = false;  // weir.toml goes before all others
    // Of maps.
    bool is_map = false;
    bool is_listed = false;  // in the configuration under way
    bool is_news = false;    // so that it is to be loaded, or dropped
    bool is_loaded = false;
    FileState state;
    std::uint64_t content = 0;
    std::string failure;               // why its last good version is served
    std::size_t entries = 0;           // of that version
    std::vector<MapProblem> problems;  // of that version
  };

  Impl(unsigned workers, std::uint64_t hash_seed)
      : pools(workers), routes(hash_seed, [this](SourceNumber a, SourceNumber b) {
          return std::tie(sources[b].is_main, sources[a].path) <
                 std::tie(sources[a].is_main, sources[b].path);
        }) {}

  SourceNumber source_of(const std::string& path, const config::Config& config);
  void say(Quarantined entry);
  config::PoolConfig without_bad_backends(const config::Config& config,
                                          const config::PoolConfig& pool);
  void look_at_binds(const config::Config& config);
  void define_pools(const config::Config& config, Force force);
  void remove_pools();
  void load_maps(const config::Config& config);
  bool is_map_news(Source& source);
  void look_at_maps(const config::Config& config);
  void load_map(SourceNumber number, MapTargets& targets);
  void drop_map(SourceNumber number);
  bool is_served(std::string_view key) const;
  void say_map_problems();
  void say_waiting();
  Built publish();
  // What was put into the books is the version before the first build (LastGoodStore).
  void begin_with_restored();
  Stale list_stale() const;

  PoolBook pools;
  BackendGuard backend_guard;
  std::vector<Source> sources;
  std::unordered_map<std::string, SourceNumber> source_numbers;
  RouteBook routes;
  TomlRoutes toml;
  std::string main_file;
  std::unordered_set<std::string> defined;       // pools of the configuration
  std::unordered_set<std::string> bad_pools;     // those that are too wrong to be
  std::vector<std::string> vanished;             // pools that were there and are not defined now
  bool has_new_pool = false;
  std::vector<config::BindAddress> binds;  // weir's own, which can be no backends
  bool has_new_binds = false;
  config::PoolConfig map_pool;  // what pools of map lines begin as
  Quarantine quarantine;  // of the build under way
  Quarantine last_quarantine;
  unsigned max_removed = 100;  // percent, of the build under way
  Stale last_stale;
  std::uint64_t generation = 0;
  std::shared_ptr<const backend::PoolSet> last_pools =
      std::make_shared<backend::PoolSet>(backend::PoolSet::Pools(), 0);
};

}  // namespace weir::table
