#pragma once
// Host and path to a route: the walk and the precedence of CONTRACT §2 (Hosts). Immutable once
// built, shared by all workers, lookup only. An Exchange uses it only while routing: what it needs
// later (pool id, label) it copies or holds by `Route`'s own lifetime.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/result.h"
#include "weir/http/message.h"

namespace weir::route {

// Stable over reloads: the same pool name has the same id for the life of the process.
using PoolId = std::uint32_t;

// What a matched route does and what it is called. Shared, so that a request may keep the label
// without keeping the table.
struct Route {
  std::string label;  // for metrics and logs
  std::string host;   // canonical pattern: "www.example.com", "*.example.com", ".example.com", "*"
  std::string path;   // "" = every path
  std::optional<http::Scheme> scheme;
  PoolId pool = 0;
  std::uint32_t label_id = 0;  // of `label` in this table: from 0 on, without gaps
};

enum class Outcome : std::uint8_t {
  kMatched,
  kNoRoute,  // no host matched, or the host has no path that fits
  kTableEmpty,
  kUnsafePath,  // the host has a route with path and the request a ".." segment (R11): 400,
                // whichever route, or none, it would have matched
};

struct Match {
  Outcome outcome = Outcome::kNoRoute;
  const std::shared_ptr<const Route>* route = nullptr;  // of kMatched; lives as long as the table
};

class RouteTable {
 public:
  ~RouteTable();
  // `host` as RequestHead::host (lower case, no port; empty matches only "*"); `raw_path` as
  // received; `scratch` is reused memory for decoding. No allocation but scratch's (and for oddly
  // written IPv6).
  Match find(std::string_view host, std::string_view raw_path, http::Scheme scheme,
             std::string& scratch) const;
  std::size_t routes() const;  // (host, path, scheme) entries
  // By number, from 0 to routes(): in the order in which they were added.
  const Route& route(std::size_t number) const;
  // All routes of one canonical host pattern, as numbers in rising order; no walk.
  std::vector<std::size_t> routes_of(std::string_view host_pattern) const;
  std::size_t hosts() const;

 private:
  friend class RouteTableBuilder;
  struct Impl;
  explicit RouteTable(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

class RouteTableBuilder {
 public:
  // `hash_seed`: tenants choose names, so the process chooses the hash.
  explicit RouteTableBuilder(std::uint64_t hash_seed);
  ~RouteTableBuilder();
  // Adds a route under one canonical host pattern. False: that (host, path, scheme) is there
  // already, and `existing` is set to it.
  bool add(std::string_view host_pattern, std::shared_ptr<const Route> route,
           const Route** existing);
  std::unique_ptr<const RouteTable> build();

 private:
  std::unique_ptr<RouteTable::Impl> impl_;
};

// A host pattern in canonical form (lower case, no trailing dot, no port), or why it is none.
// Exact names, "*.name", ".name", "*", IPv4, "[IPv6]"; underscores are legal.
Result<std::string> canonical_host_pattern(std::string_view text);

}  // namespace weir::route
