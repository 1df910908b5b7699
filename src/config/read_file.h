#pragma once
// One TOML route file as it was read last. Immutable, kept over loads.
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "weir/base/time.h"
#include "weir/config/config.h"

namespace weir::config {

// What tells two states of a file apart without reading it.
struct FileMark {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;  // 0: there is no such file
  std::int64_t size = 0;
  std::int64_t modified_ns = 0;
  std::int64_t changed_ns = 0;
  bool operator==(const FileMark&) const = default;
};
FileMark mark_of_file(const std::string& path);
// Whether every change after `read_began` gives another mark: the file system's clock stands still
// between ticks.
bool is_settled(const FileMark& mark, WallTime read_began);

struct ReadFile {
  std::string text;  // of one with something to say: it is read anew each time
  // Of one without errors and warnings:
  FileMark mark;  // what it was read with; none: it may have changed since
  std::vector<PoolConfig> pools;
  std::vector<RouteConfig> routes;
  std::vector<std::pair<unsigned, unsigned>> route_pools;  // line and column of each pool key
  bool is_clean = false;
  std::uint64_t defaults = 0;  // which [pool_defaults] its pools began as
};

}  // namespace weir::config
