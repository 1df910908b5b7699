#pragma once
// Which of a host's paths a request's path is below. They are kept sorted with '/' before every
// other byte, so that all paths below "/api" stand together right behind it, each with a link to
// the longest other path it is below: one binary search finds the neighbourhood, the links do the
// rest.
#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "weir/http/message.h"

namespace weir::route {

inline constexpr std::uint32_t kNoRouteNumber = 0xffffffff;

// The numbers of up to three routes with the same host and path, by what they ask of the scheme.
class SchemeRoutes {
 public:
  static constexpr std::size_t kAny = 2;
  static std::size_t slot_of(http::Scheme scheme) { return static_cast<std::size_t>(scheme); }

  std::uint32_t& at(std::size_t slot) { return routes_[slot]; }
  // A route with the scheme goes before one without.
  std::uint32_t find(http::Scheme scheme) const {
    std::uint32_t own = routes_[slot_of(scheme)];
    return own != kNoRouteNumber ? own : routes_[kAny];
  }
  // Under which slot that stands.
  std::size_t slot_for(http::Scheme scheme) const {
    return routes_[slot_of(scheme)] != kNoRouteNumber ? slot_of(scheme) : kAny;
  }

 private:
  std::array<std::uint32_t, 3> routes_{kNoRouteNumber, kNoRouteNumber, kNoRouteNumber};
};

// '/' before all other bytes.
struct SegmentLess {
  bool operator()(std::string_view a, std::string_view b) const;
};

// "/api" covers "/api" and "/api/x", not "/apix".
inline bool covers(std::string_view prefix, std::string_view path) {
  return path.starts_with(prefix) && (path.size() == prefix.size() || path[prefix.size()] == '/');
}

using PathMap = std::map<std::string, SchemeRoutes, SegmentLess>;

// The paths of one host.
class PathSet {
 public:
  PathSet() = default;
  explicit PathSet(const PathMap& paths);
  bool empty() const { return entries_.empty(); }
  // The route of the longest path that covers `path` and has one for `scheme`; `watch` is told its
  // path and slot (route_walk.h).
  template <typename Watch>
  std::uint32_t find(std::string_view path, http::Scheme scheme, Watch& watch) const;
  std::size_t memory_bytes() const {
    return entries_.capacity() * sizeof(Entry) + texts_.capacity();
  }

 private:
  struct Entry {
    std::uint32_t text_begin;
    std::uint32_t text_bytes;
    std::uint32_t parent;  // the longest other path that covers this one; kNoRouteNumber: none
    SchemeRoutes routes;
  };
  // The last entry that is not behind `path`; kNoRouteNumber: none.
  std::uint32_t neighbour_of(std::string_view path) const;
  std::string_view text_of(const Entry& entry) const {
    return std::string_view(texts_).substr(entry.text_begin, entry.text_bytes);
  }
  std::vector<Entry> entries_;
  std::string texts_;
};

template <typename Watch>
std::uint32_t PathSet::find(std::string_view path, http::Scheme scheme, Watch& watch) const {
  for (std::uint32_t i = neighbour_of(path); i != kNoRouteNumber; i = entries_[i].parent) {
    if (!covers(text_of(entries_[i]), path)) continue;
    std::uint32_t route = entries_[i].routes.find(scheme);
    if (route == kNoRouteNumber) continue;
    watch.on_winner(text_of(entries_[i]), entries_[i].routes.slot_for(scheme));
    return route;
  }
  return kNoRouteNumber;
}

}  // namespace weir::route
