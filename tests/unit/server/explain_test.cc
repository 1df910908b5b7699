// URLs as people write them, and what is said of a request: route, place, candidates.
#include "src/server/explain.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "src/server/explain_url.h"
#include "weir/config/load.h"

namespace weir::server {
namespace {

std::string asked(const std::string& url, const std::string& method = "GET") {
  Result<AskedRequest, admin::Refusal> request = read_url({url, method});
  if (!request.ok()) return std::string(request.error().code) + ": " + request.error().message;
  std::string text = std::string(http::name_of(request->scheme)) + " " + request->host + " " +
                     request->path;
  return request->refused ? text + " refused: " + std::string(request->refused->reason) : text;
}

struct Served {
  explicit Served(const std::string& text)
      : loaded(config::load_text("[listener.a]\nbind = [\"127.0.0.1:1\"]\n" + text, "weir.toml")) {
    REQUIRE(loaded.config.has_value());
    tables = builder.build(*loaded.config, loaded.quarantined).tables;
  }
  admin::ExplainView explain(const std::string& url) {
    Result<admin::ExplainView, admin::Refusal> view = explain_route(*tables, builder, {url, "GET"});
    REQUIRE(view.ok());
    explain_pool(*tables, nullptr, *view);
    return *view;
  }
  config::Loaded loaded;
  table::Builder builder{1, 0};
  std::shared_ptr<const table::Tables> tables;
};

constexpr const char* kPools =
    "[pool.web]\nbackends = [\"127.0.0.1:9001\", \"127.0.0.1:9002\", "
    "{ address = \"127.0.0.1:9003\", backup = true, weight = 3 }]\n[pool.none]\nbackends = []\n";

}  // namespace

TEST_CASE("explain: URLs are read as a client sends them") {
  CHECK(asked("http://WWW.Example.com:8080/a?b=c") == "http www.example.com /a");
  CHECK(asked("https://www.example.com.") == "https www.example.com /");
  CHECK(asked("HTTPS://www.example.com?x") == "https www.example.com /");
  CHECK(asked("www.example.com") == "http www.example.com /");
  CHECK(asked("www.example.com/a?to=http://b/") == "http www.example.com /a");
  CHECK(asked("http://[2001:DB8::1]:80/") == "http [2001:db8::1] /");
  CHECK(asked("localhost:8080/x") == "http localhost /x");
  // As weir would refuse it.
  CHECK(asked("http://a..b/x").starts_with("http a..b /x refused: "));
  CHECK(asked("http://a/%zz").starts_with("http a /%zz"));
}

TEST_CASE("explain: what is no URL is told what one is") {
  struct Row {
    const char* url;
    const char* says;
  };
  for (const Row& row : {Row{"", "names no host"}, Row{"/path", "names no host"},
                         Row{"http://", "names no host"}, Row{"http:///x", "names no host"},
                         Row{"http:/a/x", "names no host"},
                         Row{"ftp://a/", "expected http://HOST/PATH"}, Row{"wss://a/", "https://"},
                         Row{"http://a/b c", "%20"}, Row{"http://b\xc3\xbc" "cher.example/", "xn--"},
                         Row{"http://me:secret@a/", "leave \"me:secret@\" out"},
                         Row{"http://a/#top", "leave \"#top\" out"},
                         Row{"*.example.com", "pattern"}, Row{".example.com", "pattern"}}) {
    CAPTURE(row.url);
    CHECK(asked(row.url).starts_with("bad_url: "));
    CHECK(asked(row.url).find(row.says) != std::string::npos);
  }
  CHECK(asked("http://a/", "get").find("is not GET") != std::string::npos);
  CHECK(asked("http://a/", "G T").starts_with("bad_method: "));
  CHECK(asked("http://a/", "PURGE") == "http a /");
}

TEST_CASE("explain: the winner, its place and the candidates of its pool") {
  Served served(std::string(kPools) +
                "[[route]]\nhost = \"a.example\"\npool = \"web\"\n"
                "[[route]]\nhost = \"a.example\"\npath = \"/api\"\npool = \"web\"\nname = \"api\"\n"
                "[[route]]\nhost = \"a.example\"\npath = \"/s\"\nscheme = \"https\"\npool = \"web\"\n"
                "[[route]]\nhost = \"*\"\npool = \"web\"\n");
  admin::ExplainView view = served.explain("http://a.example/api/x");
  CHECK(view.outcome == "pool");
  CHECK(view.status == 0);
  CHECK(view.why == "a.example is the most specific host, /api its longest path that covers /api/x");
  REQUIRE(view.winner.has_value());
  CHECK(view.winner->route == "api");
  REQUIRE(view.places.size() == 1);
  CHECK(view.places[0].text() == "weir.toml:10:1");
  REQUIRE(view.routes.size() == 3);
  CHECK(view.routes[0].why == "a longer path fits, too");
  CHECK(view.routes[1].result == "wins");
  CHECK(view.routes[2].why == "only https");
  REQUIRE(view.pool.has_value());
  CHECK(view.pool->balance == "least_loaded");
  CHECK(view.pool->candidates == 2);
  CHECK(view.pool->backends[0].is_candidate);
  CHECK_FALSE(view.pool->backends[2].is_candidate);
  CHECK(view.pool->backends[2].why == "a backup: while no other is usable");
  CHECK(view.pool->backends[2].view.weight == 3);
  // What keeps others out.
  CHECK(view.hosts.back().host == "*");
  CHECK(view.hosts.back().result == "too_wide");
}

TEST_CASE("explain: what weir would answer itself, and why") {
  Served served(std::string(kPools) +
                "[[route]]\nhost = \"a.example\"\npath = \"/api\"\npool = \"web\"\n"
                "[[route]]\nhost = \"s.example\"\nscheme = \"https\"\npool = \"web\"\n"
                "[[route]]\nhost = \"e.example\"\npool = \"none\"\n"
                "[[route]]\nhost = \"q.example\"\npool = \"missing\"\n"
                "[[route]]\nhost = \".example\"\nscheme = \"https\"\npool = \"web\"\n");
  auto says = [&](const char* url) {
    admin::ExplainView view = served.explain(url);
    return std::to_string(view.status) + " " + view.outcome + ": " + view.why;
  };
  CHECK(says("http://b.org/") == "404 no_route: no route for this host, nor for a wider one");
  CHECK(says("https://a.example/x") ==
        "404 no_route: a.example matched, but none of its paths covers /x (.example is not asked: a "
        "host that matched decides alone)");
  CHECK(says("http://s.example/") ==
        "404 no_route: no route for this host and http: s.example has routes for https only");
  CHECK(says("http://a.example/api/../x") ==
        "400 bad_request: a .. segment, and a.example has paths");
  CHECK(says("http://e.example/") == "503 pool_empty: pool none has no backends");
  CHECK(says("http://q.example/")
            .starts_with("503 route_quarantined: weir.toml:20:8: unknown pool \"missing\""));
  CHECK(says("http://a..b/").starts_with("400 bad_request: "));
  Served empty("");
  CHECK(empty.explain("http://a/").outcome == "table_empty");
}

TEST_CASE("explain: entries of maps are found in their files, with those that wait behind them") {
  std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("weir-explain-" + std::to_string(::getpid()));
  std::filesystem::create_directory(folder);
  std::ofstream(folder / "a.map") << "# first\n\nx.example web\na.example/api web\n";
  std::ofstream(folder / "b.map") << "a.example/api web\n";
  Served served(std::string(kPools) + "[routes]\nfiles = [\"" + folder.string() + "/*.map\"]\n");
  admin::ExplainView view = served.explain("a.example/api");
  REQUIRE(view.places.size() == 2);
  CHECK(view.places[0].text() == (folder / "a.map").string() + ":4:1");
  CHECK(view.places[1].text() == (folder / "b.map").string() + ":1:1");
  // It went meanwhile: the file is known all the same.
  std::ofstream(folder / "a.map") << "x.example web\n";
  CHECK(served.explain("a.example/api").places[0].line == 0);
  std::filesystem::remove_all(folder);
}

}  // namespace weir::server
