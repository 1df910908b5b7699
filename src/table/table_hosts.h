#pragma once
// A table's hosts, each once.
#include <algorithm>
#include <string>
#include <vector>

#include "route_book.h"
#include "weir/route/route_table.h"
#include "weir/table/stale.h"

namespace weir::table {

// Visits each host with the sources of its routes. A host's routes stand together.
template <typename Visit>
void for_each_host(const route::RouteTable& table, Visit visit) {
  std::string host;
  std::vector<SourceNumber> origins;
  auto end_host = [&] {
    if (!origins.empty()) visit(host, origins);
    origins.clear();
  };
  table.for_each([&](const route::RouteKey& key, route::PlacedRoute placed) {
    if (key.host != host) {
      end_host();
      host = key.host;
    }
    if (std::find(origins.begin(), origins.end(), placed.origin) == origins.end())
      origins.push_back(placed.origin);
  });
  end_host();
}

// Beside what is held back of a host there may be entries that lead nowhere.
inline bool has_stale(const std::vector<SourceNumber>& origins) {
  return std::any_of(origins.begin(), origins.end(), is_stale_origin);
}

}  // namespace weir::table
