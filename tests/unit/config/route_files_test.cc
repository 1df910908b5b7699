// [routes] files: which files are read, what they may hold, how their errors are placed.
#include <doctest/doctest.h>

#include <chrono>
#include <filesystem>

#include "load_fixture.h"

namespace weir::config::test {
namespace {

constexpr std::string_view kMain =
    "[listener.public]\nbind = [\":8080\"]\n[routes]\nfiles = [\"routes.d/*.toml\"]\n"
    "[pool_defaults]\nmax_idle = 3\n";

std::vector<std::string> texts_of(const Loaded& loaded, const Folder& folder) {
  std::vector<std::string> texts;
  std::string prefix = folder.path("");
  for (const std::vector<Diagnostic>* list : {&loaded.errors, &loaded.quarantined}) {
    for (const Diagnostic& error : *list) {
      std::string text = error.text();
      for (std::size_t at = text.find(prefix); at != std::string::npos; at = text.find(prefix)) {
        text.erase(at, prefix.size());
      }
      texts.push_back(text);
    }
  }
  return texts;
}

}  // namespace

TEST_CASE("route files add pools and routes, in byte order of their paths") {
  Folder folder;
  std::string main = folder.write("weir.toml", kMain);
  std::string b = folder.write("routes.d/b.toml", "[pool.b]\nbackends = [\"unix:b.sock\"]\n");
  std::string a = folder.write("routes.d/a.toml",
                               "[[route]]\nhost = \"a\"\npool = \"b\"\n[pool.a]\nbackends = []\n");
  folder.write("routes.d/notes.txt", "not TOML");
  Loaded loaded = load_file(main);
  REQUIRE(loaded.config);
  CHECK(loaded.files == std::vector<std::string>{main, a, b});
  CHECK(loaded.globs == std::vector<std::string>{folder.path("routes.d/*.toml")});
  CHECK(loaded.config->routes.files == loaded.globs);
  REQUIRE(loaded.config->pools.size() == 2);
  CHECK(loaded.config->pools[0].name == "a");
  CHECK(loaded.config->pools[1].max_idle == 3);
  CHECK(loaded.config->pools[1].place.file == b);
  // Relative to the file that says it.
  CHECK(loaded.config->pools[1].backends[0].endpoint.unix_path == folder.path("routes.d/b.sock"));
  REQUIRE(loaded.config->route_entries.size() == 1);
  CHECK(loaded.config->route_entries[0].place.text() == a + ":1:1");
}

TEST_CASE("a glob may match nothing, a plain name must exist") {
  Folder folder;
  CHECK(load_file(folder.write("weir.toml", kMain)).config);
  Loaded loaded = load_file(folder.write(
      "weir.toml",
      "[listener.a]\nbind = [\":0\"]\n[routes]\nfiles = [\"x/*.toml\", \"more.toml\"]\n"));
  CHECK(texts_of(loaded, folder) ==
        std::vector<std::string>{
            "weir: weir.toml:4:22: files: cannot open more.toml: No such file or "
            "directory"});
  // It is watched all the same: it may come.
  CHECK(loaded.files.back() == folder.path("more.toml"));
}

TEST_CASE("a glob over its own folder does not read weir.toml again") {
  Folder folder;
  std::string more = folder.write("more.toml", "[pool.a]\nbackends = []\n");
  std::string main = folder.write("weir.toml",
                                  "[listener.a]\nbind = [\":0\"]\n[routes]\nfiles = [\"*.toml\", "
                                  "\"more.toml\", \"m*.toml\"]\n");
  Loaded loaded = load_file(main);
  REQUIRE(loaded.config);
  CHECK(loaded.files == std::vector<std::string>{main, more});
}

TEST_CASE("TOML files and maps are route files") {
  CHECK(joined(errors_of(load("[routes]\nfiles = [\"routes.d/*\", 3]"))) ==
        "2:10: files is \"routes.d/*\" (expected a glob that ends in .toml or .map: "
        "\"routes.d/*.toml\"; did you mean \"routes.d/*.toml\"?)\n"
        "2:24: files is the integer 3 (expected a list of globs: [\"routes.d/*.toml\"])\n");
  Folder folder;
  folder.write("b.map", "a.com web\n");
  folder.write("a.map", "this is read by whoever builds the table\n");
  Loaded loaded = load_file(folder.write(
      "weir.toml", "[listener.public]\nbind = [\":80\"]\n[routes]\nfiles = [\"*.map\"]\n"));
  REQUIRE(loaded.config.has_value());
  CHECK(loaded.config->maps ==
        std::vector<std::string>{folder.path("a.map"), folder.path("b.map")});
  CHECK(loaded.files.size() == 3);
  CHECK(loaded.warnings.empty());
}

TEST_CASE("other sections belong into weir.toml") {
  Folder folder;
  std::string main = folder.write("weir.toml", kMain);
  folder.write("routes.d/a.toml", "[log]\nlevel = \"info\"\n[pools.a]\n[[routes]]\n[zebra]\n");
  std::string only = " (expected only [[route]] and [pool.NAME] in a route file";
  CHECK(joined(texts_of(load_file(main), folder)) ==
        "weir: routes.d/a.toml:1:2: [log] belongs into weir.toml" + only + ")\n" +
            "weir: routes.d/a.toml:3:2: unknown section [pools]" + only +
            "; did you mean [pool.a]?)\n" +
            "weir: routes.d/a.toml:4:3: [routes] belongs into weir.toml" + only + ")\n" +
            "weir: routes.d/a.toml:5:2: unknown section [zebra]" + only + ")\n");
}

TEST_CASE("the same pool in two files names both places") {
  Folder folder;
  std::string main = folder.write("weir.toml", std::string(kMain) + "[pool.a]\nbackends = []\n");
  folder.write("routes.d/a.toml", "[pool.a]\nbackends = []\n");
  CHECK(joined(texts_of(load_file(main), folder)) ==
        "weir: routes.d/a.toml:1:7: [pool.a] stands here twice, first at weir.toml:7:7\n");
}

TEST_CASE("a file that does not parse does not hide the errors of others") {
  Folder folder;
  std::string main = folder.write("weir.toml", std::string(kMain) + "[server]\nworkers = true\n");
  folder.write("routes.d/a.toml", "[pool.\n");
  folder.write("routes.d/b.toml",
               "\n[pool.b]\nbackends = 3\n[[route]]\nhost = \"b\"\npool = \"in_a\"\n");
  std::vector<std::string> texts = texts_of(load_file(main), folder);
  REQUIRE(texts.size() == 3);
  CHECK(texts[0].starts_with("weir: weir.toml:8:11: workers is true"));
  CHECK(texts[1].starts_with("weir: routes.d/a.toml:1:"));
  CHECK(texts[1].find("the ] of this title is missing") != std::string::npos);
  CHECK(texts[2].starts_with("weir: routes.d/b.toml:3:12: backends is the integer 3"));
}

TEST_CASE("a route's pool may stand in any file") {
  Folder folder;
  std::string main =
      folder.write("weir.toml", std::string(kMain) + "[[route]]\nhost = \"a\"\npool = \"late\"\n");
  std::string late = folder.write("routes.d/z.toml", "[pool.late]\nbackends = []\n");
  CHECK(load_file(main).config);
  folder.write("routes.d/z.toml", "[pool.latter]\nbackends = []\n");
  CHECK(joined(texts_of(load_file(main), folder)) ==
        "weir: weir.toml:9:8: unknown pool \"late\" (did you mean \"latter\"?)\n");
}

namespace {

// Older than any clock's tick, so that its mark can be trusted.
void age(const std::string& path, int days) {
  std::filesystem::last_write_time(
      path, std::filesystem::file_time_type::clock::now() - std::chrono::hours(24 * days));
}

std::string hosts_of(const Loaded& loaded) {
  std::string all;
  for (const RouteConfig& route : loaded.config->route_entries)
    for (const std::string& host : route.hosts) all += (all.empty() ? "" : " ") + host;
  return all;
}

std::string route_to(const std::string& host, const std::string& pool) {
  return "[[route]]\nhost = \"" + host + "\"\npool = \"" + pool + "\"\n";
}

}  // namespace

TEST_CASE("what was read is kept as long as the file and its defaults are the same") {
  Folder folder;
  LastGoodFiles files;
  std::string main = folder.write("weir.toml", std::string(kMain) + "[pool.w]\nbackends = []\n");
  std::string a = folder.write("routes.d/a.toml", "[pool.a]\nbackends = []\n" + route_to("a", "a"));
  folder.write("routes.d/b.toml", route_to("b", "w"));
  CHECK(hosts_of(load_file(main, &files)) == "a b");
  folder.write("routes.d/a.toml", "[pool.a]\nbackends = []\n" + route_to("c", "a"));
  Loaded changed = load_file(main, &files);
  CHECK(hosts_of(changed) == "c b");
  CHECK(changed.config->pools.size() == 2);
  folder.write("routes.d/a.toml", "[pool.a\n");
  Loaded broken = load_file(main, &files);
  CHECK(broken.quarantined.size() == 1);
  CHECK(hosts_of(broken) == "c b");
  CHECK(broken.config->pools.size() == 2);
}

TEST_CASE("an unchanged file is not read again, but what others say of its pools is looked at") {
  Folder folder;
  LastGoodFiles files;
  std::string text(kMain);
  std::string main = folder.write("weir.toml", text);
  std::string a = folder.write(
      "routes.d/a.toml", "[pool.a]\nbackends = []\n" + route_to("a", "a") + route_to("b", "z"));
  std::string z = folder.write("routes.d/z.toml", "[pool.z]\nbackends = []\n");
  age(a, 1);
  age(z, 1);
  auto load = [&] {
    // The status has changed a moment ago; that it did before the read is all that is needed.
    const ReadFile* before = nullptr;
    for (int turn = 0; turn < 1000; ++turn) {
      Loaded loaded = load_file(main, &files);
      const ReadFile* now = files.files.contains(a) ? files.files.at(a).get() : nullptr;
      if (now != nullptr && now == before) return loaded;
      before = now;
    }
    FAIL("it is read again and again");
    return Loaded();
  };
  Loaded loaded = load();
  CHECK(hosts_of(loaded) == "a b");
  CHECK(loaded.quarantined.empty());
  const ReadFile* kept = files.files.at(a).get();
  SUBCASE("a pool that it leads to is gone") {
    std::filesystem::remove(z);
    loaded = load_file(main, &files);
    CHECK(joined(texts_of(loaded, folder)).find("unknown pool \"z\"") != std::string::npos);
    CHECK(texts_of(loaded, folder)[0].starts_with("weir: routes.d/a.toml:8:8"));
    CHECK(files.files.at(a).get() == kept);
  }
  SUBCASE("a pool of its name comes before it") {
    folder.write("weir.toml", text + "[pool.a]\nbackends = []\n");
    loaded = load_file(main, &files);
    CHECK(joined(texts_of(loaded, folder)) ==
          "weir: routes.d/a.toml:1:7: [pool.a] stands here twice, first at weir.toml:7:7\n");
    CHECK(files.files.at(a).get() == kept);
  }
  SUBCASE("pools begin otherwise") {
    folder.write("weir.toml", text + "[timeouts]\nconnect = \"7s\"\n");
    loaded = load_file(main, &files);
    CHECK(files.files.at(a).get() != kept);
    CHECK(loaded.config->pools[0].timeouts.connect == std::chrono::seconds(7));
  }
  SUBCASE("it has another size, or another time") {
    folder.write("routes.d/a.toml", "[pool.a]\nbackends = []\n" + route_to("c", "a"));
    age(a, 1);
    CHECK(hosts_of(load_file(main, &files)) == "c");
  }
}

}  // namespace weir::config::test
