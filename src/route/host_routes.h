#pragma once
// The routes of one host that has more to say than one route for everything. Immutable.
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "path_set.h"
#include "weir/http/message.h"
#include "weir/route/route_table.h"

namespace weir::route {

struct HostRoutes {
  struct Item {
    std::string path;  // as written
    std::optional<http::Scheme> scheme;
    PlacedRoute placed;
  };
  // The path as it is compared, and the scheme's slot.
  using Key = std::pair<std::string, std::size_t>;
  static Key key_of(std::string_view path, const std::optional<http::Scheme>& scheme);

  std::vector<Item> items;  // in order of their keys
  SchemeRoutes without_path;
  PathSet paths;
  std::uint32_t schemes = 0;  // a bit per scheme that any of its routes fits

  bool fits(http::Scheme scheme) const {
    return (schemes >> SchemeRoutes::slot_of(scheme) & 1) != 0;
  }
  PlacedRoute find(const RouteKey& key) const;
};

}  // namespace weir::route
