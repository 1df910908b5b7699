#pragma once
// Why a request goes where it goes: what RouteTable::find()'s walk met, written down by
// RouteTable::explain(). For people; a value that keeps nothing of the table but its routes.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "weir/route/route_table.h"

namespace weir::route {

// What became of a pattern that covers the host.
enum class HostStep : std::uint8_t {
  kAbsent,       // no route is for it
  kOtherScheme,  // none of its routes fits the scheme: it has not matched, the walk goes on
  kMatched,
  kTooWide,  // it has routes, but a more specific one matched before it
};

// What became of a route of a host that was looked at.
enum class RouteStep : std::uint8_t {
  kWins,
  kOtherScheme,
  kOtherPath,      // the request's path is not below its own
  kShorterPath,    // it fits, and so does a longer one
  kWithoutScheme,  // it fits, and so does one of the same path that names the scheme
  kUnsafePath,     // not compared: there is a ".." segment
};

struct Explanation {
  Outcome outcome = Outcome::kNoRoute;
  std::string path;  // as it is compared
  struct Host {
    std::string pattern;
    HostStep step = HostStep::kAbsent;
  };
  std::vector<Host> hosts;  // all that cover the request's, in order of the walk; "*" last
  struct Rival {
    RouteTable::Item item;
    RouteStep step = RouteStep::kOtherPath;
  };
  // Of the hosts that were looked at, in order of the walk.
  std::vector<Rival> routes;
  // Of `routes`; null: none wins.
  const Rival* winner() const {
    for (const Rival& rival : routes)
      if (rival.step == RouteStep::kWins) return &rival;
    return nullptr;
  }
};

}  // namespace weir::route
