#pragma once
// A table as `weir diff` compares it: one that a weir serves, or what a file would be. Texts are
// views into `storage`, so that a table of many thousand hosts costs little.
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::cli {

struct RouteRow {
  std::string_view host;
  std::string_view path;    // "" = every path
  std::string_view scheme;  // "" = both
  std::string_view route;   // its name
  std::string_view pool;    // "": of one that is quarantined
  bool is_quarantined = false;
  bool is_stale = false;  // no file has it any more
};

struct BackendRow {
  std::string_view address;
  std::uint64_t weight = 1;
  bool is_backup = false;
};

struct PoolRow {
  std::string_view name;
  std::size_t usable = 0;  // backends that get requests; of a file: all
  std::vector<std::pair<std::string_view, std::string_view>> settings;  // those off their default
  std::vector<BackendRow> backends;
};

struct Snapshot {
  std::string source;            // as it was named
  std::uint64_t generation = 0;  // 0: of a file
  std::string hash;              // of the contents, as the admin interface shows it
  std::size_t quarantined = 0;   // entries
  std::size_t route_count = 0;
  std::size_t pool_count = 0;
  // Empty when only the hash was asked for. Those of a host stand together.
  std::vector<RouteRow> routes;
  std::vector<PoolRow> pools;
  std::deque<std::string> texts;
  std::vector<std::shared_ptr<const void>> storage;
};

}  // namespace weir::cli
