#include <algorithm>
#include <cstdio>
#include <limits>
#include <map>
#include <memory>
#include <unordered_set>

#include "commands.h"
#include "last_good.h"
#include "output.h"
#include "weir/config/load.h"
#include "weir/table/build.h"
#include "weir/table/last_good_store.h"

namespace weir::server {

namespace {

std::string count(std::size_t number, const char* noun) {
  return std::to_string(number) + " " + noun + (number == 1 ? "" : "s");
}

// One line a value: what it is and where it comes from.
void print_dump(const std::vector<config::DumpLine>& dump) {
  std::string section;
  bool is_first = true;
  for (const config::DumpLine& line : dump) {
    if (is_first || line.section != section) {
      std::printf("%s[%s]\n", is_first ? "" : "\n", line.section.c_str());
      section = line.section;
      is_first = false;
    }
    std::printf("%s = %s  # %s\n", line.key.c_str(), line.value.c_str(), line.origin.c_str());
  }
}

std::string count_entries(std::size_t number);

constexpr std::size_t kMaxListed = 20;
constexpr std::size_t kMaxNamedMaps = 4;
constexpr std::size_t kListedAtOnce = 10'000;

// "; a.map: 3 entries, b.map: 1 entry"; of many files their sum.
std::string summary_of_maps(const table::Builder& builder) {
  std::vector<table::Builder::MapFile> maps = builder.map_files();
  std::string text;
  std::size_t entries = 0;
  for (const table::Builder::MapFile& map : maps) {
    text += (text.empty() ? "; " : ", ") + map.path + ": " + count_entries(map.entries);
    entries += map.entries;
  }
  if (maps.size() <= kMaxNamedMaps) return text;
  return "; " + count(maps.size(), "map") + ": " + count_entries(entries);
}

// What does not stand in TOML is told in comments, so that the dump stays a configuration.
void print_maps(const table::Builder& builder) {
  std::vector<table::Builder::MapFile> maps = builder.map_files();
  if (!maps.empty()) std::printf("\n# map files\n");
  for (const table::Builder::MapFile& map : maps) {
    std::printf("# %s: %s", map.path.c_str(), count_entries(map.entries).c_str());
    if (map.served < map.entries)
      std::printf(", %zu of them served: the others stand twice or behind an earlier file",
                  map.served);
    if (map.wrong > 0) std::printf(", %zu quarantined", map.wrong);
    std::printf("%s%s\n", map.failure.empty() ? "" : ": ", map.failure.c_str());
  }
}

// Pools that map lines made of addresses, with the file that names them first and the entries that
// lead there.
struct MadePool {
  const std::string* file = nullptr;
  std::size_t entries = 0;
};
std::map<std::string, MadePool> made_pools(const config::Config& config,
                                           const table::Builder& builder,
                                           const table::Tables& tables) {
  std::unordered_set<std::string_view> defined;
  for (const config::PoolConfig& pool : config.pools) defined.insert(pool.name);
  std::vector<MadePool> by_id(tables.pools->all().size());
  for (route::RouteTable::Cursor cursor = 0; cursor != route::RouteTable::kEnd;) {
    for (const route::RouteTable::Item& item : tables.routes->list(cursor, kListedAtOnce)) {
      if (item.route->action != route::Route::Action::kPool) continue;
      MadePool& pool = by_id[item.route->pool];
      const std::string& file = builder.file_of(item.placed.origin);
      if (pool.file == nullptr || file < *pool.file) pool.file = &file;
      ++pool.entries;
    }
  }
  std::map<std::string, MadePool> made;
  for (std::size_t id = 0; id < by_id.size(); ++id) {
    const backend::PoolSpec* pool = tables.pools->all()[id].get();
    if (pool != nullptr && by_id[id].file != nullptr && !defined.contains(pool->name.str()))
      made.emplace(pool->name.str(), by_id[id]);
  }
  return made;
}

void print_made_pools(const std::map<std::string, MadePool>& made, std::size_t most) {
  if (made.empty()) return;
  std::printf("\n# pools that map lines make, as [pool_defaults] say\n");
  std::size_t left = most;
  for (const auto& [name, pool] : made) {
    if (left-- == 0) break;
    std::printf("# %s: %s, first in %s\n", name.c_str(), count_entries(pool.entries).c_str(),
                pool.file->c_str());
  }
  if (made.size() > most)
    std::printf("# … and %zu more pools (--all shows them)\n", made.size() - most);
}

// Every entry of the map files, as it is served.
void print_map_entries(const table::Builder& builder, const table::Tables& tables) {
  std::unordered_set<std::string_view> maps;
  std::vector<table::Builder::MapFile> files = builder.map_files();
  for (const table::Builder::MapFile& map : files) maps.insert(map.path);
  std::vector<std::string> lines;
  for (route::RouteTable::Cursor cursor = 0; cursor != route::RouteTable::kEnd;) {
    for (const route::RouteTable::Item& item : tables.routes->list(cursor, kListedAtOnce)) {
      const std::string& file = builder.file_of(item.placed.origin);
      if (!maps.contains(file)) continue;
      bool is_good = item.route->action == route::Route::Action::kPool;
      lines.push_back(item.host + item.path + "  " +
                      (is_good ? item.route->label.str() : "quarantined") + "  (" + file + ")");
    }
  }
  if (lines.empty()) return;
  std::sort(lines.begin(), lines.end());
  std::printf("\n# entries of map files\n");
  for (const std::string& line : lines) std::printf("# %s\n", line.c_str());
}

std::string count_entries(std::size_t number) {
  return std::to_string(number) + (number == 1 ? " entry" : " entries");
}

void print_quarantine(const table::Quarantine& quarantine) {
  for (const table::Quarantined& entry : quarantine.listed)
    std::fprintf(stderr, "weir: %s: %s\n", entry.place.text().c_str(), entry.reason.c_str());
  if (quarantine.size() > quarantine.listed.size())
    std::fprintf(stderr, "weir: … and %s more\n",
                 count_entries(quarantine.size() - quarantine.listed.size()).c_str());
}

// As run would begin; without the store where it cannot be read, which is said.
std::unique_ptr<table::Builder> begin_with_last_good(const config::Loaded& loaded,
                                                     config::LastGoodFiles& files) {
  auto builder = std::make_unique<table::Builder>(1, 0);
  if (!loaded.config.has_value()) return builder;
  StateFolder folder = find_state_folder(*loaded.config);
  if (folder.path.empty()) return builder;
  Result<bool> known = table::LastGoodStore::load(folder.table_file(), *builder, files);
  if (known.ok()) return builder;
  std::fprintf(stderr, "weir: warning: %s: %s; checked without the last good table\n",
               folder.table_file().c_str(), known.error().message.c_str());
  return std::make_unique<table::Builder>(1, 0);
}

}  // namespace

int check_command(const CommandLine& line) {
  Result<std::string> file = find_config(line.config_file);
  if (!file.ok()) {
    std::fprintf(stderr, "%s\n", file.error().message.c_str());
    return 2;
  }
  config::LastGoodFiles files;
  config::Loaded loaded = config::load_file(*file);
  std::unique_ptr<table::Builder> builder = begin_with_last_good(loaded, files);
  bool has_unread = std::any_of(
      loaded.quarantined.begin(), loaded.quarantined.end(),
      [](const auto& entry) { return entry.entry == config::EntryKind::kFile; });
  if (has_unread && !files.files.empty()) loaded = config::load_file(*file, &files);
  table::Builder::Built built;
  std::vector<config::Diagnostic> errors = table::all_errors(loaded, *builder, built);
  for (const config::Diagnostic& error : errors) std::fprintf(stderr, "%s\n", error.text().c_str());
  for (const config::Diagnostic& warning : loaded.warnings)
    std::fprintf(stderr, "weir: %s: warning: %s\n", warning.place.text().c_str(),
                 warning.message.c_str());
  if (!errors.empty()) return 2;
  const table::Quarantine& quarantine = built.tables->quarantine;
  print_quarantine(quarantine);
  if (std::string stale = built.tables->stale.text(); !stale.empty())
    std::fprintf(stderr, "weir: warning: %s\n", stale.c_str());
  if (line.dumps) {
    print_dump(loaded.dump);
    print_maps(*builder);
    print_made_pools(made_pools(*loaded.config, *builder, *built.tables),
                     line.shows_all ? std::numeric_limits<std::size_t>::max() : kMaxListed);
    if (line.shows_all) print_map_entries(*builder, *built.tables);
  } else {
    std::string what =
        quarantine.size() == 0 ? "ok" : count_entries(quarantine.size()) + " quarantined";
    std::printf("%s: %s (%s, %s, %s%s)\n", file->c_str(), what.c_str(),
                count(built.tables->routes->routes(), "route").c_str(),
                count(built.tables->routes->hosts(), "host").c_str(),
                count(built.tables->pools->size(), "pool").c_str(),
                summary_of_maps(*builder).c_str());
  }
  return finish_output(quarantine.size() > 0 ? 1 : 0);
}

}  // namespace weir::server
