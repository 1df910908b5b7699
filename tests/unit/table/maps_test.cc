// Map files through the builder: what is served, what is told, and that it depends on the files alone.
#include <doctest/doctest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "maps.h"
#include "weir/base/rng.h"

namespace {

using weir::Rng;
using weir::table::Builder;
using weir::test::contents;
using weir::test::Maps;
using weir::test::routed;

TEST_CASE("what a wrong line says of itself is printable") {
  Maps maps;
  maps.write("a", "a.com \x1b[31m:\nb.com p\xc3\xa4\n");
  CHECK(maps.told(*maps.build().tables) ==
        "a.map:1: the address \"?[31m:\" (expected a pool's name, or IP:PORT[,IP:PORT…])\n"
        "a.map:2: the target \"p??\" (expected a pool's name, or IP:PORT[,IP:PORT…])\n");
}

TEST_CASE("a map's hosts are served") {
  Maps maps;
  maps.write("a", "a.com web\n*.a.com api\na.com/x api\nb.com 10.0.0.1:80,10.0.0.2:80\n"
                  "c.com 10.0.0.1:80,10.0.0.2:80\n");
  auto built = maps.build();
  CHECK(maps.told(*built.tables).empty());
  CHECK(built.difference.text() == "+4 hosts, +3 pools, +4 backends");
  CHECK(routed(*built.tables, "a.com") == "web");
  CHECK(routed(*built.tables, "a.com", "/x/y") == "api");
  CHECK(routed(*built.tables, "x.a.com") == "api");
  CHECK(routed(*built.tables, "b.com") == "10.0.0.1:80,10.0.0.2:80");
  CHECK(routed(*built.tables, "c.com") == "10.0.0.1:80,10.0.0.2:80");
  CHECK(built.tables->pools->size() == 3);
  CHECK(maps.build().difference.is_empty());
}

TEST_CASE("a changed map is compared entry by entry") {
  Maps maps;
  std::string text;
  for (int i = 0; i < 5000; ++i) text += "h" + std::to_string(i) + ".com web\n";
  maps.write("a", text);
  auto first = maps.build();
  // One moved, one gone, one new.
  std::size_t at = text.find("h7.com web");
  text.replace(at, 10, "h7.com api");
  at = text.find("h8.com web\n");
  text.erase(at, 11);
  maps.write("a", text + "new.com web\n");
  auto second = maps.build();
  CHECK(second.difference.text() == "+1 host, -1 host, 1 host moved");
  CHECK(routed(*second.tables, "h7.com") == "api");
  CHECK(routed(*second.tables, "h8.com") == "none");
  CHECK(routed(*second.tables, "new.com") == "web");
  CHECK(routed(*first.tables, "h8.com") == "web");
  CHECK(second.tables->hash != first.tables->hash);
  // Most of the table is the one before.
  CHECK(second.tables->routes->index().shards_shared_with(first.tables->routes->index()) + 3 >=
        second.tables->routes->index().shards());
  // Other lines in another order that say the same are no change.
  maps.write("a", "new.com web # again\n" + text);
  auto third = maps.build();
  CHECK(third.difference.is_empty());
  CHECK(third.tables->hash == second.tables->hash);
  maps.remove("a");
  auto gone = maps.build_forced();
  CHECK(gone.difference.text() == "-5000 hosts");
  CHECK(gone.tables->routes->routes() == 0);
}

TEST_CASE("of two entries for one key the order of files decides") {
  Maps maps;
  maps.add_route("main.com", "web");
  maps.write("b", "x.com web\nmain.com api\n");
  maps.write("c", "\nx.com api\ny.com api\ny.com web\n");
  auto built = maps.build();
  CHECK(routed(*built.tables, "x.com") == "web");
  CHECK(routed(*built.tables, "y.com") == "api");
  CHECK(routed(*built.tables, "main.com") == "web");
  CHECK(maps.told(*built.tables) ==
        "b.map:2:1: main.com is already routed at weir.toml:1:1 (served)\n"
                "c.map:2:1: x.com is already routed at b.map:1:1 (served)\n"
                "c.map:4:1: y.com stands in this file before (served)\n");
  // A file that comes before takes over, and this is said.
  maps.write("a", "x.com api\n");
  built = maps.build();
  CHECK(routed(*built.tables, "x.com") == "api");
  REQUIRE(built.moved.size() == 1);
  CHECK(built.moved[0].host == "x.com");
  CHECK(built.moved[0].from == maps.path("b"));
  CHECK(built.moved[0].to == maps.path("a"));
  // Those that waited come forward.
  maps.remove("a");
  maps.remove("b");
  built = maps.build();
  CHECK(routed(*built.tables, "x.com") == "api");
  CHECK(maps.told(*built.tables) == "c.map:4:1: y.com stands in this file before (served)\n");
  maps.config.route_entries.clear();
  built = maps.build();
  CHECK(routed(*built.tables, "main.com") == "none");
}

TEST_CASE("a bad line hurts nobody, and keeps its key") {
  Maps maps;
  maps.write("a", "a.com web\nb.com nowhere\nc.com web x\n.com web\nd..com web\n"
                  "e.com redirect:https://x.com\nf.com 10.0.0.1\n");
  auto built = maps.build();
  CHECK(maps.told(*built.tables) ==
        "a.map:2: there is no pool \"nowhere\"\n"
                "a.map:3:11: a third column: \"x\" (expected HOST[/PATH] TARGET; a comment begins "
                "with \"#\")\n"
                "a.map:5:1: host \"d..com\" has an empty label (two dots in a row?)\n"
                "a.map:6: the target \"redirect:https://x.com\": redirect: is not available in this "
                "version\n"
                "a.map:7: there is no pool \"10.0.0.1\" (an address needs a port: IP:PORT)\n");
  CHECK(routed(*built.tables, "a.com") == "web");
  for (const char* host : {"b.com", "c.com", "e.com", "f.com"})
    CHECK(routed(*built.tables, host) == "503");
  CHECK(routed(*built.tables, "d.com") == "web");
  // The pool comes: the file did not change, and its line is good now.
  maps.add_pool("nowhere");
  built = maps.build();
  CHECK(routed(*built.tables, "b.com") == "nowhere");
  CHECK(built.tables->quarantine.counts[0] == 4);
  // A line that gets worse goes on as it was, until it is good again or gone.
  maps.write("a", "a.com nobody\nb.com nowhere\n");
  built = maps.build();
  CHECK(maps.told(*built.tables) == "a.map:1: there is no pool \"nobody\" (served)\n");
  CHECK(routed(*built.tables, "a.com") == "web");
  maps.write("a", "a.com nobody\nb.com nowhere\nnew.com web\n");
  built = maps.build();
  CHECK(routed(*built.tables, "a.com") == "web");
  maps.add_pool("nobody");
  built = maps.build();
  CHECK(routed(*built.tables, "a.com") == "nobody");
  CHECK(built.tables->quarantine.size() == 0);
}

TEST_CASE("a map that cannot be read keeps its last good version as a whole") {
  Maps maps;
  maps.write("a", "a.com web\nb.com web\n");
  maps.build();
  maps.write("a", "a.com api\nb.com w");
  auto built = maps.build();
  CHECK(built.difference.is_empty());
  CHECK(maps.told(*built.tables) ==
        "a.map: the last line does not end in a newline (the file was cut short?) (served)\n");
  CHECK(routed(*built.tables, "a.com") == "web");
  std::filesystem::remove(maps.path("a"));
  built = maps.build();
  CHECK(built.difference.is_empty());
  CHECK(built.tables->quarantine.counts[3] == 1);
  maps.write("a", "a.com api\n");
  built = maps.build();
  CHECK(built.difference.text() == "-1 host, 1 host moved");
  CHECK(built.tables->quarantine.size() == 0);
}

TEST_CASE("weir's own listener is no target") {
  Maps maps;
  weir::config::ListenerConfig listener;
  listener.name = "public";
  listener.bind.push_back({*weir::Endpoint::parse("127.0.0.1:8080"), false, "127.0.0.1:8080"});
  maps.config.listeners.push_back(listener);
  maps.write("a", "a.com 127.0.0.1:8080\n");
  auto built = maps.build();
  CHECK(routed(*built.tables, "a.com") == "503");
  CHECK(maps.told(*built.tables).find("(a loop:") != std::string::npos);
}

TEST_CASE("pools of map lines begin as pool_defaults say, and follow them") {
  Maps maps;
  maps.config.map_pool.retries = 7;
  maps.write("a", "a.com 10.0.0.1:80\n");
  auto pool_of = [](const weir::table::Tables& tables) {
    for (const auto& pool : tables.pools->all())
      if (pool && pool->name == "10.0.0.1:80") return pool;
    return std::shared_ptr<const weir::backend::PoolSpec>();
  };
  auto before = pool_of(*maps.build().tables);
  REQUIRE(before != nullptr);
  CHECK(before->settings->retries == 7);
  maps.config.map_pool.retries = 3;
  auto built = maps.build();
  CHECK(pool_of(*built.tables)->settings->retries == 3);
  CHECK(pool_of(*built.tables)->backends == before->backends);
  CHECK(built.difference.text() == "pool 10.0.0.1:80 changed");
  maps.write("a", "a.com web\n");
  built = maps.build();
  CHECK(pool_of(*built.tables) == nullptr);
  CHECK(built.difference.text() == "1 host moved, -1 pool, 1 backend drained");
}

// Random histories of files: at every step the table is what a builder makes that has seen nothing
// before, whatever the order in which the files came to be as they are.
TEST_CASE("the table is a function of the files") {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    Rng rng(seed);
    Maps maps;
    maps.add_pool("db");
    for (int step = 0; step < 12; ++step) {
      std::string name(1, static_cast<char>('a' + rng.below(4)));
      if (rng.one_in(6)) {
        maps.remove(name);
      } else {
        std::string text;
        for (std::uint32_t lines = rng.below(30); lines > 0; --lines) {
          static const char* const kTargets[] = {"web", "api", "db", "10.0.0.1:80", "10.0.0.2:80"};
          text += "h" + std::to_string(rng.below(12)) + ".com" + (rng.one_in(4) ? "/p" : "") + " " +
                  kTargets[rng.below(5)] + "\n";
        }
        maps.write(name, text);
      }
      if (rng.one_in(3)) {
        if (maps.config.route_entries.empty() || rng.one_in(2))
          maps.add_route("h" + std::to_string(rng.below(12)) + ".com", rng.one_in(2) ? "web" : "db");
        else
          maps.config.route_entries.pop_back();
      }
      // Some changes come together.
      if (rng.one_in(3)) continue;
      auto built = maps.build();
      Builder other(1, seed + 1000);
      auto fresh = maps.build(other);
      CAPTURE(seed);
      CAPTURE(step);
      REQUIRE(contents(*built.tables) == contents(*fresh.tables));
      REQUIRE(built.tables->hash == fresh.tables->hash);
      REQUIRE(maps.told(*built.tables) == maps.told(*fresh.tables));
      REQUIRE(built.tables->routes->hosts() == fresh.tables->routes->hosts());
      REQUIRE(built.tables->pools->size() == fresh.tables->pools->size());
    }
  }
}

}  // namespace
