#include <algorithm>
#include <optional>

#include "route_walk.h"
#include "weir/route/covering.h"
#include "weir/route/explanation.h"

namespace weir::route {
namespace {

// Writes down the walk.
struct Witness {
  struct Met {
    std::string pattern;
    bool fits = false;
  };
  std::vector<Met> hosts;
  bool is_unsafe = false;
  std::optional<HostRoutes::Key> winner;

  void on_host(std::string_view name, HostIndex::Kind kind) {
    std::string literal = canonical_ipv6_literal(name);
    hosts.push_back({literal.empty() ? pattern_of(name, kind) : literal});
  }
  void on_any_host() { hosts.push_back({"*"}); }
  void on_scheme(bool fits) { hosts.back().fits = fits; }
  void on_unsafe_path() { is_unsafe = true; }
  void on_winner(std::string_view path, std::size_t slot) { winner.emplace(path, slot); }
};

bool fits(const RouteTable::Item& item, http::Scheme scheme) {
  return !item.scheme || *item.scheme == scheme;
}

RouteStep step_of(const RouteTable::Item& item, const Witness& witness, const std::string& path,
                  http::Scheme scheme) {
  HostRoutes::Key key = HostRoutes::key_of(item.path, item.scheme);
  if (!fits(item, scheme)) return RouteStep::kOtherScheme;
  if (witness.is_unsafe) return RouteStep::kUnsafePath;
  if (witness.winner == key) return RouteStep::kWins;
  if (!key.first.empty() && !covers(key.first, path)) return RouteStep::kOtherPath;
  bool is_same_path = witness.winner && witness.winner->first == key.first;
  return is_same_path ? RouteStep::kWithoutScheme : RouteStep::kShorterPath;
}

}  // namespace

Explanation RouteTable::explain(std::string_view host, std::string_view raw_path,
                                http::Scheme scheme) const {
  Explanation explanation;
  std::string scratch;
  Witness witness;
  explanation.outcome = walk(host, raw_path, scheme, scratch, witness).outcome;
  explanation.path = http::matching_path(raw_path, scratch);
  std::vector<std::string> covering = patterns_covering(host);
  covering.emplace_back("*");
  auto met = witness.hosts.begin();
  bool has_matched = false;
  for (std::string& pattern : covering) {
    HostStep step = HostStep::kAbsent;
    if (met != witness.hosts.end() && met->pattern == pattern) {
      step = met->fits ? HostStep::kMatched : HostStep::kOtherScheme;
      for (Item& item : routes_of(pattern)) {
        RouteStep its = met->fits ? step_of(item, witness, explanation.path, scheme)
                                  : RouteStep::kOtherScheme;
        explanation.routes.push_back({std::move(item), its});
      }
      has_matched = met->fits;
      ++met;
    } else if (has_matched && !routes_of(pattern).empty()) {
      step = HostStep::kTooWide;
    }
    explanation.hosts.push_back({std::move(pattern), step});
  }
  return explanation;
}

}  // namespace weir::route
