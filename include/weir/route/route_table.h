#pragma once
// Host and path to a route: the walk and the precedence of CONTRACT §2 (Hosts). A version is
// immutable, shared by all workers, lookup only, and shares with the version before it what did not
// change. An Exchange uses it only while routing: what it needs later (pool id, label) it copies or
// holds by `Route`'s own lifetime.
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "weir/base/result.h"
#include "weir/base/shared_text.h"
#include "weir/base/shared_vector.h"
#include "weir/http/message.h"
#include "weir/route/host_index.h"

namespace weir::route {

// Stable over reloads: the same pool name has the same id for the life of the process.
using PoolId = std::uint32_t;

// What a matched route does and what it is called. Shared by all hosts and paths that lead to the
// same, and by versions, so that a request may keep it without keeping the table.
struct Route {
  enum class Action : std::uint8_t {
    kPool,
    kQuarantined,  // the place of an entry that is wrong: nothing wider may answer for it
  };
  SharedText label;   // for metrics and logs
  PoolId pool = 0;    // of kPool
  Action action = Action::kPool;
  std::uint32_t label_id = 0;  // one number per label: small, and the same over versions
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

// What a route is found by. One table has at most one route per key.
struct RouteKey {
  std::string_view host;  // canonical pattern: "www.example.com", "*.example.com", ".example.com", "*"
  std::string_view path;  // as written; "" = every path. Two spellings of one path are one key
  std::optional<http::Scheme> scheme;
  // Of its host, when the caller has asked for it (RouteTable::hashed) and it still lives.
  const HostIndex::Name* name = nullptr;
};

// A route's number in a table; whoever builds the table gives them out.
using RouteNumber = std::uint32_t;
inline constexpr RouteNumber kNoRoute = 0xffffffff;

// A route where it stands: kNoRoute: the key leads nowhere.
struct PlacedRoute {
  RouteNumber route = kNoRoute;
  std::uint32_t origin = 0;  // a number of whoever builds the table
  bool operator==(const PlacedRoute&) const = default;
};

struct HostRoutes;
struct Explanation;  // weir/route/explanation.h

class RouteTable {
 public:
  // `host` as RequestHead::host (lower case, no port; empty matches only "*"); `raw_path` as
  // received; `scratch` is reused memory for decoding. No allocation but scratch's (and for oddly
  // written IPv6).
  Match find(std::string_view host, std::string_view raw_path, http::Scheme scheme,
             std::string& scratch) const;
  // The same walk, with everything that it met on its way.
  Explanation explain(std::string_view host, std::string_view raw_path, http::Scheme scheme) const;
  std::size_t routes() const { return route_count_; }  // keys
  std::size_t hosts() const {                          // patterns
    return index_.entries() + (any_host_.value != HostIndex::kNone ? 1 : 0);
  }
  // A key with what it leads to, for lists.
  struct Item {
    std::string host;
    std::string path;
    std::optional<http::Scheme> scheme;
    std::shared_ptr<const Route> route;
    PlacedRoute placed;
  };
  // Where a list goes on; 0 is its begin. Of one version only.
  using Cursor = std::uint64_t;
  static constexpr Cursor kEnd = ~Cursor{0};
  // At least one host's routes and no more hosts once there are `limit` routes; those of a host stand
  // together. Sets `cursor` to where the list goes on.
  std::vector<Item> list(Cursor& cursor, std::size_t limit) const;
  // All routes of one canonical host pattern; no walk.
  std::vector<Item> routes_of(std::string_view host_pattern) const;

  // For the next version's builder. What a key leads to; no walk.
  struct Known {
    bool has_host = false;  // with this key or others
    PlacedRoute placed;
    // Its host has this route alone, and this is its place in index().
    bool is_alone = false;
    HostIndex::PlaceNumber place = 0;
  };
  Known known(const RouteKey& key) const;
  const HostIndex& index() const { return index_; }
  // By number; null where a number is not in use.
  const SharedVector<std::shared_ptr<const Route>>& all_routes() const { return routes_; }
  // The name of a host pattern with its hash, for RouteKey::name; the same in all versions.
  HostIndex::Name hashed(std::string_view host) const;
  // Every key that was placed by `origin`. `key` is good during the call.
  struct OfOrigin {
    RouteKey key;
    bool is_alone;
    HostIndex::PlaceNumber place;  // if it is alone
  };
  void for_each_of(std::uint32_t origin, const std::function<void(const OfOrigin&)>& visit) const;
  // Every key; those of a host stand together. `key` is good during the call.
  void for_each(const std::function<void(const RouteKey& key, PlacedRoute placed)>& visit) const;

 private:
  friend class RouteTableEditor;
  explicit RouteTable(HostIndex index) : index_(std::move(index)) {}
  // The walk; src/route/route_walk.h says who watches.
  template <typename Watch>
  Match walk(std::string_view host, std::string_view raw_path, http::Scheme scheme,
             std::string& scratch, Watch& watch) const;
  // Whether the host has a route that fits the scheme at all.
  template <typename Watch>
  bool fits(std::uint32_t value, http::Scheme scheme, Watch& watch) const;
  // The entry's value of the host that decides; HostIndex::kNone: none matches.
  template <typename Watch>
  std::uint32_t find_host(std::string_view name, http::Scheme scheme, Watch& watch) const;
  void append_routes(const std::string& host, HostIndex::Entry entry,
                     std::vector<Item>& items) const;

  HostIndex index_;
  HostIndex::Entry any_host_;  // of "*"
  // An entry's value is a route's number when the host has just one, for every path and scheme;
  // otherwise kHasRoutes and a number in host_routes_.
  static constexpr std::uint32_t kHasRoutes = 0x80000000;
  SharedVector<std::shared_ptr<const Route>> routes_;
  SharedVector<std::shared_ptr<const HostRoutes>> host_routes_;
  std::size_t route_count_ = 0;
};

// Makes versions of a table: what is set and erased here is in the next one. One thread at a time.
class RouteTableEditor {
 public:
  // `hash_seed`: tenants choose names, so the process chooses the hash.
  explicit RouteTableEditor(std::uint64_t hash_seed);
  ~RouteTableEditor();

  // A route that keys may lead to. Its number is given again once it was removed.
  RouteNumber add_route(std::shared_ptr<const Route> route);
  // All keys that lead there have the other one from now on.
  void replace_route(RouteNumber number, std::shared_ptr<const Route> route);
  // No key leads there any more.
  void remove_route(RouteNumber number);
  const std::shared_ptr<const Route>& route(RouteNumber number) const { return routes_[number]; }

  // About so many hosts are going to come.
  void expect(std::size_t hosts) { index_.expect(hosts); }
  // Asks for the memory that the host's routes will need.
  void prefetch(const HostIndex::Name& name) const { index_.prefetch(name); }

  PlacedRoute find(const RouteKey& key) const;
  // All keys of one canonical host pattern; views are good until the next change.
  struct Placed {
    RouteKey key;
    PlacedRoute placed;
  };
  std::vector<Placed> routes_of(std::string_view host) const;
  // The key leads there, unless it leads anywhere already. Returns where it led.
  PlacedRoute insert(const RouteKey& key, PlacedRoute placed);
  // The key leads there from now on. Returns where it led.
  PlacedRoute set(const RouteKey& key, PlacedRoute placed);
  PlacedRoute erase(const RouteKey& key);
  std::size_t routes() const { return route_count_; }

  std::shared_ptr<const RouteTable> publish();

 private:
  struct OpenHost;
  HostIndex::Name name_of(const RouteKey& key, std::string_view name) const {
    return key.name != nullptr ? *key.name : index_.hashed(name);
  }
  HostIndex::Entry entry_of(const RouteKey& key) const;
  PlacedRoute find_in(HostIndex::Entry entry, const RouteKey& key) const;
  // Returns what the host has already, which stays.
  HostIndex::Entry insert_entry(const RouteKey& key, HostIndex::Entry entry);
  void set_entry(const RouteKey& key, HostIndex::Entry entry);
  void erase_entry(const RouteKey& key);
  OpenHost& opened(const RouteKey& key, HostIndex::Entry entry);
  void close_hosts();

  HostIndexEditor index_;
  HostIndex::Entry any_host_;
  SharedVector<std::shared_ptr<const Route>> routes_;
  std::vector<RouteNumber> free_routes_;
  SharedVector<std::shared_ptr<const HostRoutes>> host_routes_;
  std::vector<std::uint32_t> free_host_routes_;
  std::unordered_map<std::uint32_t, std::unique_ptr<OpenHost>> open_hosts_;  // by place there
  std::size_t route_count_ = 0;
};

// A host pattern in canonical form (lower case, no trailing dot, no port), or why it is none.
// Exact names, "*.name", ".name", "*", IPv4, "[IPv6]"; underscores are legal.
Result<std::string> canonical_host_pattern(std::string_view text);

}  // namespace weir::route
