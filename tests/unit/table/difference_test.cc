#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "weir/base/rng.h"
#include "weir/table/build.h"

namespace {

using weir::Rng;
using weir::config::Config;
using weir::table::Builder;
using weir::table::Difference;

weir::config::PoolConfig pool_of(const std::string& name,
                                 const std::vector<std::string>& backends) {
  weir::config::PoolConfig pool;
  pool.name = name;
  for (const std::string& backend : backends) {
    pool.backends.push_back({*weir::Endpoint::parse(backend), {}});
  }
  return pool;
}

weir::config::RouteConfig route_of(const std::vector<std::string>& hosts, const std::string& path,
                                   const std::string& pool) {
  weir::config::RouteConfig route;
  route.hosts = hosts;
  route.path = path;
  route.pool = pool;
  return route;
}

Config base_config() {
  Config config;
  config.pools = {pool_of("web", {"127.0.0.1:1", "127.0.0.1:2"}), pool_of("api", {"127.0.0.1:3"})};
  config.route_entries = {route_of({"a.com", "b.com"}, "", "web"),
                          route_of({"a.com"}, "/api", "api"), route_of({"*"}, "", "web")};
  return config;
}

TEST_CASE("differences read as a sentence") {
  CHECK(Difference().text() == "no change");
  CHECK(Difference().is_empty());
  Difference difference;
  difference.hosts_added = 2;
  difference.hosts_removed = 1;
  difference.hosts_moved = 1;
  difference.hosts_relabelled = 2;
  difference.pools_added = 2;
  difference.pools_removed = 1;
  difference.pools_changed = 3;
  difference.backends_added = 1;
  difference.backends_removed = 10;
  CHECK(difference.text() ==
        "+2 hosts, -1 host, 1 host moved, 2 hosts relabelled, +2 pools, -1 pool, 3 pools "
        "changed, +1 backend, "
        "10 backends drained");
  CHECK(!difference.is_empty());
}

TEST_CASE("a build says what it changes") {
  struct Row {
    void (*change)(Config&);
    std::string text;
  };
  static const Row kRows[] = {
      {[](Config&) {}, "no change"},
      {[](Config& c) { c.route_entries[0].hosts.push_back("c.com"); }, "+1 host"},
      {[](Config& c) { c.route_entries.pop_back(); }, "-1 host"},
      {[](Config& c) { c.route_entries[1].pool = "web"; }, "1 host moved"},
      {[](Config& c) { c.route_entries[0].pool = "api"; }, "2 hosts moved"},
      {[](Config& c) { c.route_entries[1].path = "/v2"; }, "1 host moved"},
      {[](Config& c) { c.route_entries[1].scheme = "http"; }, "1 host moved"},
      {[](Config& c) { c.route_entries.erase(c.route_entries.begin() + 1); }, "1 host moved"},
      {[](Config& c) { c.route_entries[0].name = "main"; }, "2 hosts relabelled"},
      {[](Config& c) { c.pools[0].retries = 7; }, "pool web changed"},
      {[](Config& c) { c.pools.push_back(pool_of("new", {"127.0.0.1:4"})); },
       "+1 pool, +1 backend"},
      {[](Config& c) { c.pools[1] = pool_of("api", {"127.0.0.1:4"}); }, "+1 backend, 1 backend drained"},
      {[](Config& c) { c.pools[0].backends.pop_back(); }, "1 backend drained"},
      {[](Config& c) {
         c.pools[1].name = "api2";
         c.route_entries[1].pool = "api2";
       },
       "1 host moved, +1 pool, -1 pool, +1 backend, 1 backend drained"},
      // Order and spelling mean nothing.
      {[](Config& c) {
         std::reverse(c.pools.begin(), c.pools.end());
         std::reverse(c.pools[1].backends.begin(), c.pools[1].backends.end());
         std::reverse(c.route_entries.begin(), c.route_entries.end());
         c.route_entries[1].hosts[0] = "A.COM.";
       },
       "no change"},
  };
  for (const Row& row : kRows) {
    CAPTURE(row.text);
    Builder builder(1, 1);
    Config config = base_config();
    auto before = builder.build(config);
    row.change(config);
    auto after = builder.build(config);
    REQUIRE(after.tables->quarantine.size() == 0);
    CHECK(after.difference.text() == row.text);
    CHECK((after.tables->hash == before.tables->hash) == after.difference.is_empty());
    // And back again.
    auto back = builder.build(base_config());
    CHECK(back.tables->hash == before.tables->hash);
    CHECK(back.difference.is_empty() == after.difference.is_empty());
  }
}

TEST_CASE("the hash is of the contents, not of the process") {
  Builder builder(1, 1);
  Builder other(8, 99);
  Config config = base_config();
  std::uint64_t hash = builder.build(config).tables->hash;
  // Another process knows other names already.
  Config earlier;
  earlier.pools = {pool_of("old", {"127.0.0.1:9"}), pool_of("api", {})};
  other.build(earlier);
  CHECK(other.build(config).tables->hash == hash);
  // Twins of different versions compare it: a change of how it is made must be meant.
  CHECK(hash == 15810123882506209269u);
}

Config random_config(Rng& rng) {
  Config config;
  for (const std::string name : {"p0", "p1", "p2"}) {
    config.pools.push_back(pool_of(name, {"127.0.0.1:" + std::to_string(1 + rng.below(3))}));
    config.pools.back().retries = rng.below(2);
  }
  for (const std::string host : {"a.com", "b.com"}) {
    for (const std::string path : {"", "/x"}) {
      if (rng.one_in(3)) continue;
      config.route_entries.push_back(route_of({host}, path, "p" + std::to_string(rng.below(3))));
    }
  }
  return config;
}

TEST_CASE("two versions have the same hash exactly when nothing changed") {
  Rng rng(20261120);
  Builder builder(1, 1);
  Config config = random_config(rng);
  std::uint64_t hash = builder.build(config).tables->hash;
  int unchanged = 0;
  for (int round = 0; round < 3000; ++round) {
    if (!rng.one_in(4)) config = random_config(rng);
    auto built = builder.build(config);
    CHECK(built.difference.is_empty() == (built.tables->hash == hash));
    unchanged += built.difference.is_empty();
    hash = built.tables->hash;
  }
  CHECK(unchanged > 0);
}

}  // namespace
