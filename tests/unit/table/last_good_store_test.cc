// What is served survives a restart as the earlier version (CONTRACT §2: last-good store).
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <string>

#include "maps.h"
#include "weir/base/rng.h"
#include "weir/table/last_good_store.h"

namespace {

using weir::Rng;
using weir::config::LastGoodFiles;
using weir::table::Builder;
using weir::table::LastGoodStore;
using weir::test::contents;
using weir::test::Maps;
using weir::test::routed;

constexpr std::uint64_t kOtherSeed = 4711;

// A builder of another process that begins where `builder` ends.
std::unique_ptr<Builder> restarted(const Maps& maps, const Builder& builder) {
  LastGoodFiles files;
  REQUIRE(LastGoodStore::save(builder, files, maps.store()).ok());
  auto next = std::make_unique<Builder>(2, kOtherSeed);
  auto loaded = LastGoodStore::load(maps.store(), *next, files);
  REQUIRE(loaded.ok());
  REQUIRE(*loaded);
  return next;
}

std::string many(const std::string& prefix, int count, const std::string& target = "web") {
  std::string text;
  for (int at = 0; at < count; ++at)
    text += prefix + std::to_string(at) + ".com " + target + "\n";
  return text;
}

TEST_CASE("a start with the table of the run before changes nothing") {
  Maps maps;
  maps.add_route("r.com", "api");
  maps.config.pools[0].retries = 7;
  maps.config.pools[0].host = "inner";
  weir::config::HealthConfig health;
  health.path = "/up";
  maps.config.pools[1].health = std::make_shared<const weir::config::HealthConfig>(health);
  maps.write("a", "a.com web\n*.a.com/x api\n.b.com 10.0.0.1:80,10.0.0.2:80\n* web\n"
                  "dup.com web\nbad.com nopool\n");
  maps.write("b", "dup.com api\n");
  auto before = maps.build();
  auto next = restarted(maps, maps.builder);
  auto after = maps.build(*next);
  CHECK(after.difference.is_empty());
  CHECK(after.tables->generation == 1);
  CHECK(after.tables->hash == before.tables->hash);
  CHECK(contents(*after.tables) == contents(*before.tables));
  CHECK(maps.told(*after.tables) == maps.told(*before.tables));
}

TEST_CASE("a start treats what got worse as a reload does") {
  Maps maps;
  maps.add_route("r.com", "api");
  maps.write("a", "a.com web\nb.com web\n");
  maps.write("c", many("h", 50));
  maps.write("d", "d.com 10.0.0.1:80\n");
  auto before = maps.build();
  SUBCASE("a bad line goes on as it was") {
    maps.write("a", "a.com nopool\nb.com api\n");
    auto next = restarted(maps, maps.builder);
    auto after = maps.build(*next);
    CHECK(routed(*after.tables, "a.com") == "web");
    CHECK(routed(*after.tables, "b.com") == "api");
    CHECK(maps.told(*after.tables) == "a.map:1: there is no pool \"nopool\" (served)\n");
  }
  SUBCASE("a map that is cut short or gone stays as a whole") {
    maps.write("a", "a.com api");
    std::filesystem::remove(maps.path("d"));
    auto next = restarted(maps, maps.builder);
    auto after = maps.build(*next);
    CHECK(contents(*after.tables) == contents(*before.tables));
    CHECK(after.tables->quarantine.counts[3] == 2);
  }
  SUBCASE("hosts that are gone are held back, and go when forced") {
    maps.write("c", many("h", 10));
    auto next = restarted(maps, maps.builder);
    auto after = maps.build(*next);
    CHECK(contents(*after.tables) == contents(*before.tables));
    CHECK(after.tables->stale.hosts == 40);
    auto third = restarted(maps, *next);
    after = maps.build(*third);
    CHECK(after.tables->stale.hosts == 40);
    CHECK(after.difference.is_empty());
    after = maps.build(*third, Builder::Force::kYes);
    CHECK(after.difference.text() == "-40 hosts");
  }
  SUBCASE("a pool that routes need stays as it was") {
    maps.config.pools[1].name = "other";
    auto next = restarted(maps, maps.builder);
    auto after = maps.build(*next);
    CHECK(routed(*after.tables, "r.com") == "api");
    CHECK(after.tables->quarantine.size() == 2);  // the route's pool is not there, the pool stays
  }
  SUBCASE("what comes first among files stays first") {
    maps.write("b", "a.com api\n");
    auto running = maps.build();
    maps.remove("a");
    auto next = restarted(maps, maps.builder);
    CHECK(contents(*maps.build(*next).tables) == contents(*maps.build().tables));
  }
}

TEST_CASE("pools of map lines follow pool_defaults over a restart") {
  Maps maps;
  maps.config.map_pool.retries = 7;
  maps.write("a", "a.com 10.0.0.1:80\n");
  auto before = maps.build();
  auto next = restarted(maps, maps.builder);
  auto after = maps.build(*next);
  CHECK(after.tables->hash == before.tables->hash);
  maps.config.map_pool.retries = 3;
  next = restarted(maps, maps.builder);
  CHECK(maps.build(*next).tables->hash == maps.build().tables->hash);
}

TEST_CASE("the texts of files that could be parsed come back, but for newer ones") {
  Maps maps;
  maps.build();
  LastGoodFiles files;
  std::string large(200'000, '#');
  add_text(files, "a.toml", "old");
  add_text(files, "b.toml", large);
  REQUIRE(LastGoodStore::save(maps.builder, files, maps.store()).ok());
  LastGoodFiles read;
  add_text(read, "a.toml", "new");
  Builder next(1, 1);
  REQUIRE(LastGoodStore::load(maps.store(), next, read).ok());
  std::map<std::string, std::string> texts;
  for_each_text(read, [&](const auto& path, const auto& text) { texts[path] = text; });
  CHECK(texts == std::map<std::string, std::string>{{"a.toml", "new"}, {"b.toml", large}});
}

TEST_CASE("a store that is damaged anywhere is told, never believed and never fatal") {
  Maps maps;
  LastGoodFiles files;
  Builder none(1, 1);
  auto missing = LastGoodStore::load(maps.store(), none, files);
  REQUIRE(missing.ok());
  CHECK(!*missing);
  maps.add_route("r.com", "api");
  maps.write("a", many("h", 30) + "x.com 10.0.0.1:80\n");
  maps.build();
  add_text(files, "a.toml", "text");
  REQUIRE(LastGoodStore::save(maps.builder, files, maps.store()).ok());
  std::ifstream in(maps.store(), std::ios::binary);
  std::string good((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  auto load = [&](const std::string& bytes) {
    std::ofstream(maps.store(), std::ios::binary) << bytes;
    Builder next(1, 1);
    LastGoodFiles read;
    auto loaded = LastGoodStore::load(maps.store(), next, read);
    CHECK(loaded.ok() == (bytes == good));
    if (!loaded.ok()) {
      CHECK(!loaded.error().message.empty());
      CHECK(read.files.empty());
    }
  };
  load(good);
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x41);
    load(bad);
  }
  for (std::size_t size = 0; size < good.size(); size += 3) load(good.substr(0, size));
  std::filesystem::remove(maps.store());
  std::filesystem::create_directory(maps.store());
  Builder next(1, 1);
  CHECK(LastGoodStore::load(maps.store(), next, files).ok() == false);
  auto saved = LastGoodStore::save(maps.builder, files, maps.store());
  CHECK(!saved.ok());
  CHECK(!std::filesystem::exists(maps.store() + ".new"));
}

// Hosts with a route that leads somewhere, and whether they are held back.
std::map<std::string, bool> served_hosts(const weir::table::Tables& tables) {
  std::map<std::string, bool> hosts;
  weir::route::RouteTable::Cursor cursor = 0;
  for (const auto& item : tables.routes->list(cursor, 1'000'000))
    if (item.route->action == weir::route::Route::Action::kPool)
      hosts[item.host] = weir::table::is_stale_origin(item.placed.origin);
  return hosts;
}

// Random histories of files, restarts and forces: a builder that goes on and one that is started
// anew of the same store serve the same at every step; and no host is lost that the guard must keep.
TEST_CASE("the table is a function of the files and the store") {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    Rng rng(seed);
    Maps maps;
    maps.add_pool("db");
    auto running = std::make_unique<Builder>(1, seed);
    maps.build(*running);
    std::map<std::string, bool> last;
    for (int step = 0; step < 14; ++step) {
      std::string name(1, static_cast<char>('a' + rng.below(3)));
      if (rng.one_in(8)) {
        maps.remove(name);
      } else {
        static const char* const kTargets[] = {"web", "api", "db", "10.0.0.1:80", "gone"};
        std::string text;
        std::uint32_t first = rng.below(80);
        for (std::uint32_t host = first; host < first + rng.below(90); ++host)
          text += "h" + std::to_string(host) + ".com" + (rng.one_in(6) ? "/p" : "") + " " +
                  kTargets[rng.below(5)] + "\n";
        if (rng.one_in(6)) text += "cut.com we";
        maps.write(name, text);
      }
      if (rng.one_in(3)) {
        if (maps.config.route_entries.empty() || rng.one_in(2))
          maps.add_route("h" + std::to_string(rng.below(160)) + ".com",
                         rng.one_in(2) ? "web" : "db");
        else
          maps.config.route_entries.pop_back();
      }
      if (rng.one_in(5)) {
        // db comes and goes.
        if (maps.config.pools.back().name == "db")
          maps.config.pools.pop_back();
        else
          maps.add_pool("db");
      }
      bool is_forced = rng.one_in(5);
      auto force = is_forced ? Builder::Force::kYes : Builder::Force::kNo;
      auto other = restarted(maps, *running);
      auto built = maps.build(*running, force);
      auto fresh = maps.build(*other, force);
      CAPTURE(seed);
      CAPTURE(step);
      REQUIRE(contents(*built.tables) == contents(*fresh.tables));
      REQUIRE(built.tables->hash == fresh.tables->hash);
      REQUIRE(maps.told(*built.tables) == maps.told(*fresh.tables));
      REQUIRE(built.tables->stale == fresh.tables->stale);
      REQUIRE(built.difference == fresh.difference);
      std::map<std::string, bool> now = served_hosts(*built.tables);
      std::size_t had = 0;
      std::size_t lost = 0;
      for (const auto& [host, is_stale] : last) {
        had += is_stale ? 0 : 1;
        lost += built.tables->routes->routes_of(host).empty() ? 1 : 0;
        if (is_stale && !is_forced) REQUIRE(now.contains(host));
      }
      if (!is_forced) REQUIRE((lost <= 20 || lost * 100 <= had * 20));
      last = std::move(now);
      // The store is a function of the table, and the table once more of it.
      if (rng.one_in(2)) running = std::move(other);
      auto again = maps.build(*running);
      REQUIRE(again.difference.is_empty());
      REQUIRE(again.tables->stale == built.tables->stale);
    }
  }
}

}  // namespace
