// What files lose at once is held back, and goes when it may (CONTRACT §2, Guard).
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "maps.h"

namespace {

using weir::config::PoolConfig;
using weir::table::Builder;
using weir::table::Stale;
using weir::table::Tables;
using weir::test::contents;
using weir::test::Maps;
using weir::test::routed;

constexpr auto kForce = Builder::Force::kYes;

std::string lines(const std::string& prefix, int from, int to, const std::string& target = "web") {
  std::string text;
  for (int at = from; at < to; ++at)
    text += prefix + std::to_string(at) + ".com " + target + "\n";
  return text;
}

// A pool of a configuration with so many backends, from `from` on.
PoolConfig pool_of(const std::string& name, int from, int to) {
  PoolConfig pool;
  pool.name = name;
  for (int at = from; at < to; ++at) {
    weir::config::BackendConfig backend;
    backend.endpoint = *weir::Endpoint::parse("10.1.0.1:" + std::to_string(1000 + at));
    pool.backends.push_back(backend);
  }
  return pool;
}

std::size_t backends_of(const Tables& tables, const std::string& name) {
  for (const auto& pool : tables.pools->all())
    if (pool && pool->name == name) return pool->backends.size();
  return 0;
}

TEST_CASE("hosts that a map loses in great number stay served, and come or go as they may") {
  Maps maps;
  maps.write("a", lines("h", 0, 100));
  maps.write("b", lines("g", 0, 400));
  std::uint64_t hash = maps.build().tables->hash;
  maps.write("a", lines("h", 0, 40) + "new.com api\n");
  auto built = maps.build();
  CHECK(built.has_new_stale);
  CHECK(built.difference.text() == "+1 host");  // everything else applies
  CHECK(routed(*built.tables, "h99.com") == "web");
  CHECK(routed(*built.tables, "new.com") == "api");
  CHECK(built.tables->stale.hosts == 60);
  CHECK(built.tables->stale.text() ==
        "60 hosts held back (a.map lost 60 %, more than 20 %): --force lets them go");
  REQUIRE(built.tables->stale.files.size() == 1);
  CHECK(built.tables->stale.files[0].examples ==
        std::vector<std::string>{"h40.com", "h41.com", "h42.com", "h43.com", "h44.com"});
  // Nothing happened: nothing happens.
  built = maps.build();
  CHECK(built.difference.is_empty());
  CHECK(!built.has_new_stale);
  // It has some of them again, one of them elsewhere.
  maps.write("a", lines("h", 0, 90) + "h95.com api\n" + "new.com api\n");
  built = maps.build();
  CHECK(built.difference.text() == "1 host moved");
  CHECK(built.tables->stale.hosts == 9);
  CHECK(routed(*built.tables, "h95.com") == "api");
  CHECK(routed(*built.tables, "h99.com") == "web");
  // Few are lost beside them: those go.
  maps.write("a", lines("h", 0, 80) + "h95.com api\n" + "new.com api\n");
  built = maps.build();
  CHECK(built.difference.text() == "-10 hosts");
  CHECK(built.tables->stale.hosts == 9);
  built = maps.build_forced();
  CHECK(built.difference.text() == "-9 hosts");
  CHECK(built.tables->stale == Stale());
  CHECK(built.has_new_stale);
  maps.write("a", lines("h", 0, 100));
  CHECK(maps.build().tables->hash == hash);
}

TEST_CASE("so few hosts may go whatever share they are") {
  Maps maps;
  maps.write("a", lines("h", 0, 21));
  maps.build();
  maps.write("a", lines("h", 0, 1));
  auto built = maps.build();
  CHECK(built.difference.text() == "-20 hosts");
  maps.write("a", lines("h", 0, 22));
  maps.build();
  maps.write("a", "h0.com web\n");
  CHECK(maps.build().tables->stale.hosts == 21);
}

TEST_CASE("up to the share hosts may go, and with 100 % all of them") {
  Maps maps;
  maps.write("a", lines("h", 0, 1000));
  maps.build();
  maps.write("a", lines("h", 0, 800));
  CHECK(maps.build().difference.text() == "-200 hosts");
  maps.write("a", lines("h", 0, 639));
  CHECK(maps.build().tables->stale.hosts == 161);
  maps.config.routes.max_removed_percent = 100;
  maps.write("a", lines("h", 0, 1));
  auto built = maps.build();
  CHECK(built.difference.text() == "-638 hosts");
  CHECK(built.tables->stale.hosts == 161);  // until somebody forces it
}

TEST_CASE("a file that is empty, or named no more, is a removal; one that is cut or gone is not") {
  Maps maps;
  maps.write("a", lines("h", 0, 50));
  maps.write("z", lines("g", 0, 500));
  std::string before = contents(*maps.build().tables);
  maps.write("a", "");
  auto built = maps.build();
  CHECK(contents(*built.tables) == before);
  CHECK(built.tables->stale.hosts == 50);
  CHECK(built.tables->stale.text().find("a.map lost 100 %") != std::string::npos);
  maps.write("a", lines("h", 0, 50));
  CHECK(maps.build().tables->stale.hosts == 0);
  maps.remove("a");
  built = maps.build();
  CHECK(contents(*built.tables) == before);
  CHECK(built.tables->stale.hosts == 50);
  // Back in another file: not stale, and told as moved.
  maps.write("b", lines("h", 0, 50));
  built = maps.build();
  CHECK(built.tables->stale.hosts == 0);
  CHECK(contents(*built.tables) == before);
  CHECK(built.moved.size() == 50);
  maps.write("b", "h0.com we");
  built = maps.build();
  CHECK(contents(*built.tables) == before);
  CHECK(built.tables->stale.hosts == 0);  // quarantined as a whole
  CHECK(built.tables->quarantine.counts[3] == 1);
}

TEST_CASE("files that lose a little each lose too much together") {
  Maps maps;
  for (int file = 0; file < 30; ++file) {
    std::string name = "f" + std::to_string(100 + file);
    maps.write(name, lines(name + "-", 0, 1));
  }
  maps.build();
  for (int file = 0; file < 22; ++file) maps.remove("f" + std::to_string(100 + file));
  auto built = maps.build();
  CHECK(built.tables->stale.hosts == 22);
  CHECK(built.tables->stale.files.size() == 22);
  CHECK(built.tables->stale.text() ==
        "22 hosts held back (all files together lost 74 %, more than 20 %): --force lets them go");
}

TEST_CASE("routes of weir.toml are guarded as those of maps are") {
  Maps maps;
  for (int at = 0; at < 40; ++at) maps.add_route("h" + std::to_string(at) + ".com", "api");
  std::string before = contents(*maps.build().tables);
  maps.config.route_entries.resize(10);
  auto built = maps.build();
  CHECK(contents(*built.tables) == before);
  CHECK(built.tables->stale.hosts == 30);
  CHECK(built.tables->stale.files[0].path == "weir.toml");
  built = maps.build_forced();
  CHECK(built.tables->routes->hosts() == 10);
}

TEST_CASE("a pool that hosts held back need stays, quietly, and goes with them") {
  Maps maps;
  maps.add_pool("db");
  maps.write("a", lines("h", 0, 50, "db") + lines("g", 0, 10));
  maps.build();
  maps.config.pools.pop_back();
  maps.write("a", lines("g", 0, 10));
  auto built = maps.build();
  CHECK(routed(*built.tables, "h3.com") == "db");
  CHECK(built.tables->quarantine.size() == 0);
  CHECK(built.difference.is_empty());
  built = maps.build_forced();
  CHECK(built.difference.text() == "-50 hosts, -1 pool, 1 backend drained");
}

TEST_CASE("a host that comes back with a mistake goes on as it was held back") {
  Maps maps;
  maps.write("a", lines("h", 0, 50));
  maps.write("b", "x.com web\n");
  maps.build();
  maps.write("a", "");
  maps.build();
  maps.write("a", "h1.com nopool\n");
  auto built = maps.build();
  CHECK(routed(*built.tables, "h1.com") == "web");
  CHECK(built.tables->stale.hosts == 49);
  CHECK(maps.told(*built.tables) == "a.map:1: there is no pool \"nopool\" (served)\n");
  // It is the file's again, so that --force does not take it.
  CHECK(routed(*maps.build_forced().tables, "h1.com") == "web");
}

TEST_CASE("a mistake elsewhere does not take what is held back") {
  Maps maps;
  maps.write("a", lines("h", 0, 50));
  maps.build();
  maps.write("a", "");
  maps.build();
  maps.write("b", "h1.com nopool\nh2.com/x nopool\n");
  auto built = maps.build();
  CHECK(routed(*built.tables, "h1.com") == "web");
  CHECK(routed(*built.tables, "h2.com") == "web");
  CHECK(routed(*built.tables, "h2.com", "/x") == "503");
  CHECK(built.tables->stale.hosts == 49);
  built = maps.build_forced();
  CHECK(routed(*built.tables, "h2.com") == "none");
  CHECK(routed(*built.tables, "h2.com", "/x") == "503");
}

TEST_CASE("a host that has routes again needs none that were held back") {
  Maps maps;
  maps.write("a", lines("h", 0, 50) + "h1.com/api api\n");
  maps.build();
  maps.write("a", "");
  CHECK(maps.build().tables->stale.hosts == 50);
  maps.write("a", "h1.com/new api\n");
  auto built = maps.build();
  CHECK(built.tables->stale.hosts == 49);
  CHECK(routed(*built.tables, "h1.com", "/new") == "api");
  CHECK(routed(*built.tables, "h1.com", "/api") == "none");
}

TEST_CASE("a list of 503s is no loss") {
  Maps maps;
  maps.write("a", lines("h", 0, 50, "nopool") + lines("g", 0, 5));
  maps.build();
  maps.write("a", lines("g", 0, 5));
  auto built = maps.build();
  CHECK(built.tables->stale.hosts == 0);
  CHECK(routed(*built.tables, "h1.com") == "none");
}

TEST_CASE("backends that pools lose in great number stay") {
  Maps maps;
  maps.config.pools.push_back(pool_of("big", 0, 60));
  maps.config.pools.back().backends[59].weight = 7;
  maps.build();
  maps.config.pools.back() = pool_of("big", 0, 30);
  auto built = maps.build();
  CHECK(built.difference.is_empty());
  CHECK(backends_of(*built.tables, "big") == 60);
  CHECK(built.tables->stale.backends == 30);
  CHECK(built.tables->stale.is_stale("big", "10.1.0.1:1059"));
  CHECK(!built.tables->stale.is_stale("big", "10.1.0.1:1001"));
  CHECK(built.tables->stale.text().starts_with("30 backends held back ("));
  maps.config.pools.back() = pool_of("big", 0, 40);
  built = maps.build();
  CHECK(built.tables->stale.backends == 20);
  built = maps.build_forced();
  CHECK(built.difference.text() == "20 backends drained");
  CHECK(backends_of(*built.tables, "big") == 40);
  CHECK(built.tables->stale == Stale());
}

TEST_CASE("backends that others come in place of, and a few, may go") {
  Maps maps;
  maps.config.pools.push_back(pool_of("big", 0, 60));
  maps.build();
  maps.config.pools.back() = pool_of("big", 60, 120);
  auto built = maps.build();
  CHECK(built.difference.text() == "+60 backends, 60 backends drained");
  maps.config.pools.back() = pool_of("big", 60, 63);
  maps.config.pools.push_back(pool_of("small", 0, 3));
  maps.build_forced();
  maps.config.pools.back() = pool_of("small", 0, 0);
  built = maps.build();
  CHECK(built.difference.text() == "3 backends drained");
}

}  // namespace
