#pragma once
// The keys of the next version: of all entries for one key, the one whose source comes first is
// served, the others wait behind it. Keeps count of what changes against the version before. Builder
// thread.
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "targets.h"
#include "weir/route/route_table.h"
#include "weir/table/build.h"

namespace weir::table {

// Where entries come from: weir.toml, or a route file. Numbers are given by the builder.
using SourceNumber = std::uint32_t;

// A key that stands for itself.
struct OwnedKey {
  std::string host;
  std::string path;  // as a route has it
  std::optional<http::Scheme> scheme;
  OwnedKey() = default;
  explicit OwnedKey(const route::RouteKey& key)
      : host(key.host), path(key.path), scheme(key.scheme) {}
  operator route::RouteKey() const { return {host, path, scheme}; }  // NOLINT: the same thing
  auto operator<=>(const OwnedKey&) const = default;
};
class RouteBook {
 public:
  // `is_before(a, b)`: whether entries of a go before those of b.
  using Order = std::function<bool(SourceNumber a, SourceNumber b)>;
  RouteBook(std::uint64_t hash_seed, Order is_before);

  route::RouteTableEditor& editor() { return editor_; }
  Targets& targets() { return targets_; }
  const Targets& targets() const { return targets_; }
  // The version that is compared with: what publish() made last.
  const route::RouteTable& base() const { return *base_; }

  // The source's entry for the key, in place of one that it has there already or (kKeep) only if it
  // has none. Returns whose entry stays in front of it, if one does.
  enum class IfOwn : std::uint8_t { kReplace, kKeep };
  std::optional<SourceNumber> put(const route::RouteKey& key, SourceNumber source,
                                  route::RouteNumber target, IfOwn if_own);
  // The source has no entry for the key any more.
  void drop(const route::RouteKey& key, SourceNumber source);
  // Of the source's entries those that wait are forgotten: it is about to tell all of them again.
  void drop_waiting(SourceNumber source);
  // Where an entry that was forgotten so led, until publish(); kNoRoute: there was none.
  route::RouteNumber forgotten(const route::RouteKey& key, SourceNumber source) const;
  // Whose entry is served, and where it leads; kNoRoute: nobody's.
  route::PlacedRoute find(const route::RouteKey& key) const { return editor_.find(key); }
  // Hosts of the base with a key that was changed since.
  const std::unordered_set<std::string>& touched() const { return touched_; }
  // The base's keys of a host that has none left are served as they were, held back
  // (kStaleOrigin).
  void hold(const std::string& host);
  // A host that leads somewhere again needs nothing that was held back.
  void release(const std::string& host);
  // Everything that was held back goes.
  void release_all();
  // How many keys are served by the source.
  std::size_t served(SourceNumber source) const {
    return source < served_.size() ? served_[source] : 0;
  }
  std::size_t served_by_base(SourceNumber source) const {
    return source < served_by_base_.size() ? served_by_base_[source] : 0;
  }
  struct Waiting {
    OwnedKey key;
    SourceNumber source;
    SourceNumber before_it;
  };
  std::size_t waiting() const { return waiting_count_; }
  template <typename Visit>
  void for_each_waiting(Visit visit) const {
    for (const auto& [key, candidates] : waiting_)
      for (const Candidate& candidate : candidates)
        visit(route::RouteKey(key), candidate.source, candidate.target);
  }
  std::vector<Waiting> list_waiting(std::size_t most) const;
  // Whose entries there are for the key; the first one's is served.
  std::vector<SourceNumber> sources_of(const route::RouteKey& key) const;

  // The next version. Adds what changed to `difference`; names of hosts that another source serves
  // now go to `moved`.
  struct MovedHost {
    std::string host;
    SourceNumber from;
    SourceNumber to;
  };
  std::shared_ptr<const route::RouteTable> publish(Difference& difference,
                                                   std::vector<MovedHost>& moved);
  // Keys that are held back.
  std::size_t stale() const { return stale_; }
  // Of all keys and where they lead.
  std::uint64_t hash() const { return hash_; }

 private:
  struct Candidate {
    SourceNumber source;
    route::RouteNumber target;
  };
  void count(route::PlacedRoute placed, bool is_served);
  void serve(const route::RouteKey& key, route::PlacedRoute placed, route::PlacedRoute before);
  // False: the source has one there already, which stays (IfOwn::kKeep).
  bool wait(const route::RouteKey& key, Candidate candidate, IfOwn if_own);
  void drop_candidates(std::vector<Candidate>& candidates, SourceNumber source);
  void touch(std::string_view host);
  std::uint64_t hash_of(const route::RouteKey& key, route::RouteNumber target) const;
  void compare(const std::string& host, const route::RouteTable& after, Difference& difference,
               std::vector<MovedHost>& moved) const;

  route::RouteTableEditor editor_;
  Targets targets_;
  Order is_before_;
  std::shared_ptr<const route::RouteTable> base_;
  std::map<OwnedKey, std::vector<Candidate>> waiting_;
  std::size_t waiting_count_ = 0;
  std::map<std::pair<OwnedKey, SourceNumber>, route::RouteNumber> forgotten_;
  std::vector<std::size_t> served_;  // by source
  std::vector<std::size_t> served_by_base_;
  std::uint64_t hash_ = 0;
  std::unordered_set<std::string> touched_;
  std::size_t stale_ = 0;  // keys that are held back
};

}  // namespace weir::table
