#pragma once
// What files have lost and is served all the same, because it was too much at once (CONTRACT §2,
// Guard). A plain value, of one version of the table.
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace weir::table {

// What Guard::max_removed spares: so many may go whatever share they are. Hosts, and backends, each.
inline constexpr std::size_t kMinHeldBack = 20;

struct StaleFile {
  std::string path;
  std::size_t hosts = 0;       // held back
  std::size_t hosts_left = 0;  // that it still has
  std::size_t backends = 0;
  std::size_t backends_left = 0;
  std::vector<std::string> examples;  // the first few hosts, or "10.0.0.1:80 (pool web)"
  bool operator==(const StaleFile&) const = default;
};

struct Stale {
  static constexpr std::size_t kMaxExamples = 5;
  std::size_t hosts = 0;
  std::size_t hosts_left = 0;
  std::size_t backends = 0;
  std::size_t backends_left = 0;
  unsigned max_percent = 100;      // [routes] max_removed
  std::vector<StaleFile> files;    // that lost them, in order of their paths
  std::map<std::string, std::vector<std::string>, std::less<>> addresses;  // of backends, by pool
  std::size_t size() const { return hosts + backends; }
  bool is_stale(std::string_view pool, std::string_view address) const;
  // "3,000 hosts held back (hosts.map lost 60 %, more than 20 %): --force lets them go"; empty:
  // nothing is.
  std::string text() const;
  bool operator==(const Stale&) const = default;
};

// A route's origin (route::PlacedRoute) is the number of the source that it stands in; with this bit
// of the source that it stood in.
inline constexpr std::uint32_t kStaleOrigin = 0x80000000;
constexpr bool is_stale_origin(std::uint32_t origin) { return (origin & kStaleOrigin) != 0; }

}  // namespace weir::table
