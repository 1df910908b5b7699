#pragma once
// The walk of CONTRACT §2 (Hosts), once for all: RouteTable::find() goes it unwatched, explain()
// with somebody who writes down each step. Templates, so that nobody who watches costs nothing.
#include <string_view>
#include <utility>

#include "host_pattern.h"
#include "host_routes.h"
#include "index_shard.h"
#include "weir/http/forward.h"
#include "weir/route/route_table.h"

namespace weir::route {

// Whoever watches has these, which are called in order of the steps. Nobody:
struct Unwatched {
  // An entry covers the host …
  void on_host(std::string_view /*name*/, HostIndex::Kind /*kind*/) const {}
  void on_any_host() const {}
  // … and has a route that fits the request's scheme, or not: then the walk goes on.
  void on_scheme(bool /*fits*/) const {}
  // A ".." segment where the host has paths: none of its routes answers.
  void on_unsafe_path() const {}
  // The route that wins, by the path ("": every path) and the scheme's slot that it stands under.
  void on_winner(std::string_view /*path*/, std::size_t /*slot*/) const {}
};

inline HostIndex::Kind HostIndex::Walk::kind_at(std::size_t labels) const {
  if (labels == labels_) return Kind::kExact;
  return labels + 1 == labels_ ? Kind::kOneLabel : Kind::kSuffix;
}

template <typename Watch>
std::uint32_t HostIndex::Walk::next(Watch& watch) {
  if (suffix_ != kNone) {
    watch.on_host(host_.substr(candidates_[left_].begin), Kind::kSuffix);
    return std::exchange(suffix_, kNone);
  }
  while (left_ > 0) {
    const Candidate& candidate = candidates_[--left_];
    Kind kind = kind_at(candidate.labels);
    if (!index_.has_level(kind, candidate.labels) &&
        !index_.has_level(Kind::kSuffix, candidate.labels)) {
      continue;
    }
    const ShardView& shard = index_.view_of(candidate.hash);
    Name name{host_.substr(candidate.begin), candidate.hash, candidate.labels};
    std::uint32_t slot = IndexShard::find(shard.bytes, shard.slots, name);
    if (slot == shard.slots) continue;
    IndexRecord record =
        IndexShard::record(shard.bytes, shard.slots, IndexShard::slot(shard.bytes, slot));
    std::uint32_t suffix = record.entry(Kind::kSuffix).value;
    std::uint32_t first = kind == Kind::kSuffix ? kNone : record.entry(kind).value;
    if (first != kNone) {
      watch.on_host(name.text, kind);
    } else {
      first = std::exchange(suffix, kNone);
      if (first == kNone) continue;
      watch.on_host(name.text, Kind::kSuffix);
    }
    suffix_ = suffix;
    return first;
  }
  return kNone;
}

template <typename Watch>
std::uint32_t RouteTable::find_host(std::string_view name, http::Scheme scheme,
                                    Watch& watch) const {
  if (is_ip_literal(name)) {
    std::uint32_t value = index_.find(name, HostIndex::Kind::kExact);
    if (value == HostIndex::kNone && name.front() == '[')
      value = index_.find(canonical_ipv6_literal(name), HostIndex::Kind::kExact);
    if (value != HostIndex::kNone) {
      watch.on_host(name, HostIndex::Kind::kExact);
      if (fits(value, scheme, watch)) return value;
    }
  } else if (!name.empty()) {
    HostIndex::Walk walk(index_, name);
    for (std::uint32_t value; (value = walk.next(watch)) != HostIndex::kNone;)
      if (fits(value, scheme, watch)) return value;
  }
  if (any_host_.value == HostIndex::kNone) return HostIndex::kNone;
  watch.on_any_host();
  return fits(any_host_.value, scheme, watch) ? any_host_.value : HostIndex::kNone;
}

template <typename Watch>
bool RouteTable::fits(std::uint32_t value, http::Scheme scheme, Watch& watch) const {
  bool is_fit = (value & kHasRoutes) == 0 || host_routes_[value & ~kHasRoutes]->fits(scheme);
  watch.on_scheme(is_fit);
  return is_fit;
}

template <typename Watch>
Match RouteTable::walk(std::string_view host, std::string_view raw_path, http::Scheme scheme,
                       std::string& scratch, Watch& watch) const {
  if (route_count_ == 0) return {Outcome::kTableEmpty};
  std::uint32_t value = find_host(host, scheme, watch);
  if (value == HostIndex::kNone) return {Outcome::kNoRoute};
  if ((value & kHasRoutes) == 0) {
    watch.on_winner({}, SchemeRoutes::kAny);
    return {Outcome::kMatched, &routes_[value]};
  }
  const HostRoutes& found = *host_routes_[value & ~kHasRoutes];
  if (!found.paths.empty()) {
    // Before the choice: "/x/../api" chooses one route and asks the backend for another's path.
    if (http::has_dot_dot_segment(raw_path)) {
      watch.on_unsafe_path();
      return {Outcome::kUnsafePath};
    }
    std::string_view path = http::matching_path(raw_path, scratch);
    std::uint32_t number = found.paths.find(path, scheme, watch);
    if (number != kNoRouteNumber) return {Outcome::kMatched, &routes_[number]};
  }
  std::uint32_t number = found.without_path.find(scheme);
  if (number == kNoRouteNumber) return {Outcome::kNoRoute};
  watch.on_winner({}, found.without_path.slot_for(scheme));
  return {Outcome::kMatched, &routes_[number]};
}

}  // namespace weir::route
