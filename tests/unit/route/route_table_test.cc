#include "weir/route/route_table.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "weir/base/rng.h"

namespace {

using weir::http::Scheme;
using weir::route::Match;
using weir::route::Outcome;
using weir::route::Route;
using weir::route::RouteTable;
using weir::route::RouteTableEditor;
using weir::route::kNoRoute;
using weir::route::PlacedRoute;

constexpr std::uint64_t kSeed = 20261120;

struct Entry {
  std::string host;
  std::string path;
  std::optional<Scheme> scheme;
};

std::string label_of(const Entry& entry) {
  std::string label = entry.host + entry.path;
  if (entry.scheme) label.append(" ").append(weir::http::name_of(*entry.scheme));
  return label;
}

void set(RouteTableEditor& editor, const Entry& entry, const std::string& label) {
  auto route = std::make_shared<const Route>(Route{label});
  editor.set({entry.host, entry.path, entry.scheme}, {editor.add_route(std::move(route)), 0});
}

std::shared_ptr<const RouteTable> table_of(const std::vector<Entry>& entries) {
  RouteTableEditor editor(kSeed);
  for (const Entry& entry : entries) set(editor, entry, label_of(entry));
  return editor.publish();
}

// The label of the route, or "404", "400", "empty".
std::string find(const RouteTable& table, std::string_view host, std::string_view path = "/",
                 Scheme scheme = Scheme::kHttp) {
  std::string scratch;
  Match match = table.find(host, path, scheme, scratch);
  switch (match.outcome) {
    case Outcome::kMatched:
      return (*match.route)->label.str();
    case Outcome::kNoRoute:
      return "404";
    case Outcome::kUnsafePath:
      return "400";
    case Outcome::kTableEmpty:
      return "empty";
  }
  return "";
}

TEST_CASE("hosts match from the most to the least specific pattern") {
  // CONTRACT §2: the walk for a.example.com. Each step loses the pattern that won.
  std::vector<Entry> entries = {{"a.example.com", "", {}}, {".a.example.com", "", {}},
                                {"*.example.com", "", {}}, {".example.com", "", {}},
                                {".com", "", {}},          {"*", "", {}}};
  while (!entries.empty()) {
    CHECK(find(*table_of(entries), "a.example.com") == entries.front().host);
    entries.erase(entries.begin());
  }
  CHECK(find(*table_of({}), "a.example.com") == "empty");
}

TEST_CASE("host patterns cover what the contract says") {
  struct Row {
    std::string pattern;
    std::string host;
    bool is_match;
  };
  for (const Row& row : {
           Row{"www.example.com", "www.example.com", true},
           Row{"www.example.com", "example.com", false},
           Row{"www.example.com", "a.www.example.com", false},
           Row{"*.example.com", "a.example.com", true},
           Row{"*.example.com", "example.com", false},
           Row{"*.example.com", "b.a.example.com", false},
           Row{".example.com", "example.com", true},
           Row{".example.com", "a.example.com", true},
           Row{".example.com", "c.b.a.example.com", true},
           Row{".example.com", "aexample.com", false},
           Row{".com", "example.com", true},
           Row{".com", "com", true},
           Row{"*.com", "a.example.com", false},
           Row{"*", "a.example.com", true},
           Row{"*", "", true},
           Row{"*", "192.0.2.1", true},
           Row{"*", "[::1]", true},
           Row{".com", "", false},
           Row{"my_app.example.com", "my_app.example.com", true},
           Row{"192.0.2.1", "192.0.2.1", true},
           Row{"192.0.2.1", "192.0.2.2", false},
           Row{"192.0.2.1", "a.192.0.2.1", false},
           Row{"[2001:db8::1]", "[2001:db8::1]", true},
           Row{"[2001:db8::1]", "[2001:DB8:0::1]", true},
           Row{"[2001:db8::1]", "[2001:db8::2]", false},
           Row{"[2001:db8::1]", "[", false},
           Row{"192.0.2.1", "[::ffff:192.0.2.1]", true},
       }) {
    CAPTURE(row.pattern);
    CAPTURE(row.host);
    CHECK(find(*table_of({{row.pattern, "", {}}}), row.host) ==
          (row.is_match ? row.pattern : "404"));
  }
}

TEST_CASE("IP addresses have no labels: suffix patterns pass them over") {
  // canonical_host_pattern refuses ".1"; the table itself holds out too.
  auto table = table_of({{".1", "", {}}, {"*.0.2.1", "", {}}, {"*", "", {}}});
  CHECK(find(*table, "192.0.2.1") == "*");
  CHECK(find(*table, "a.1") == ".1");
}

TEST_CASE("a host none of whose routes fits the scheme has not matched") {
  auto table = table_of({{"a.example.com", "", Scheme::kHttps},
                         {"a.example.com", "/x", Scheme::kHttps},
                         {"*.example.com", "", Scheme::kHttps},
                         {".example.com", "/only", Scheme::kHttp},
                         {".com", "", {}},
                         {"b.org", "", Scheme::kHttps},
                         {"192.0.2.1", "", Scheme::kHttps},
                         {"*", "", Scheme::kHttp}});
  CHECK(find(*table, "a.example.com", "/x", Scheme::kHttps) == "a.example.com/x https");
  CHECK(find(*table, "a.example.com", "/", Scheme::kHttps) == "a.example.com https");
  CHECK(find(*table, "a.example.com", "/only", Scheme::kHttp) == ".example.com/only http");
  // .example.com has matched, so .com is not asked.
  CHECK(find(*table, "a.example.com", "/x", Scheme::kHttp) == "404");
  CHECK(find(*table, "d.c.example.com", "/", Scheme::kHttps) == ".com");
  CHECK(find(*table, "b.org", "/", Scheme::kHttp) == "* http");
  CHECK(find(*table, "c.org", "/", Scheme::kHttps) == "404");
  CHECK(find(*table, "192.0.2.1", "/", Scheme::kHttp) == "* http");
  CHECK(find(*table, "192.0.2.1", "/", Scheme::kHttps) == "192.0.2.1 https");
}

TEST_CASE("a host that matched does not fall back to a wider one") {
  auto table = table_of({{"a.com", "/api", {}}, {".com", "", {}}, {"*", "", {}}});
  CHECK(find(*table, "a.com", "/api") == "a.com/api");
  CHECK(find(*table, "a.com", "/other") == "404");
  CHECK(find(*table, "b.com", "/other") == ".com");
}

TEST_CASE("within a host the longest path wins, then the route with scheme") {
  auto table = table_of({{"a.com", "", {}},
                         {"a.com", "", Scheme::kHttps},
                         {"a.com", "/api", {}},
                         {"a.com", "/api", Scheme::kHttp},
                         {"a.com", "/api/v2", Scheme::kHttps},
                         {"a.com", "/api/v2/x", {}}});
  CHECK(find(*table, "a.com", "/", Scheme::kHttp) == "a.com");
  CHECK(find(*table, "a.com", "/", Scheme::kHttps) == "a.com https");
  CHECK(find(*table, "a.com", "/api", Scheme::kHttp) == "a.com/api http");
  CHECK(find(*table, "a.com", "/api", Scheme::kHttps) == "a.com/api");
  CHECK(find(*table, "a.com", "/api/v2/y", Scheme::kHttp) == "a.com/api http");
  CHECK(find(*table, "a.com", "/api/v2/y", Scheme::kHttps) == "a.com/api/v2 https");
  CHECK(find(*table, "a.com", "/api/v2/x/y", Scheme::kHttp) == "a.com/api/v2/x");
}

TEST_CASE("paths match on segment borders") {
  auto table =
      table_of({{"a.com", "/api", {}}, {"a.com", "/api-old", {}}, {"a.com", "/api/x", {}}});
  CHECK(find(*table, "a.com", "/api") == "a.com/api");
  CHECK(find(*table, "a.com", "/api/") == "a.com/api");
  CHECK(find(*table, "a.com", "/api//x") == "a.com/api");
  CHECK(find(*table, "a.com", "/api/x") == "a.com/api/x");
  CHECK(find(*table, "a.com", "/api/xy") == "a.com/api");
  CHECK(find(*table, "a.com", "/api/a") == "a.com/api");
  CHECK(find(*table, "a.com", "/api-old/x") == "a.com/api-old");
  CHECK(find(*table, "a.com", "/apix") == "404");
  CHECK(find(*table, "a.com", "/api;v=1") == "404");
  CHECK(find(*table, "a.com", "/API") == "404");
  CHECK(find(*table, "a.com", "//api") == "404");
  CHECK(find(*table, "a.com", "/") == "404");
  CHECK(find(*table, "a.com", "") == "404");
}

TEST_CASE("a path between others finds what all of them are below") {
  auto table = table_of({{"a.com", "/p", {}},
                         {"a.com", "/p/a", {}},
                         {"a.com", "/p/b/x/y", {}},
                         {"a.com", "/p/b", Scheme::kHttps},
                         {"a.com", "/p-q", {}}});
  CHECK(find(*table, "a.com", "/p/aa") == "a.com/p");
  CHECK(find(*table, "a.com", "/p/b/x") == "a.com/p");
  CHECK(find(*table, "a.com", "/p/b/x", Scheme::kHttps) == "a.com/p/b https");
  CHECK(find(*table, "a.com", "/p/b/x/z") == "a.com/p");
  CHECK(find(*table, "a.com", "/p/c") == "a.com/p");
  CHECK(find(*table, "a.com", "/p-") == "404");
  CHECK(find(*table, "a.com", "/p-q/r") == "a.com/p-q");
}

TEST_CASE("paths match on the copy with unreserved characters decoded") {
  auto table = table_of({{"a.com", "/api", {}}, {"a.com", "/~user", {}}, {"a.com", "", {}}});
  CHECK(find(*table, "a.com", "/%61pi") == "a.com/api");
  CHECK(find(*table, "a.com", "/ap%69/x") == "a.com/api");
  CHECK(find(*table, "a.com", "/%7euser") == "a.com/~user");
  CHECK(find(*table, "a.com", "/api%2Fx") == "a.com");
  CHECK(find(*table, "a.com", "%2Fapi") == "a.com");
  auto encoded = table_of({{"a.com", "/%7Euser", {}}});
  CHECK(find(*encoded, "a.com", "/~user") == "a.com/%7Euser");
}

TEST_CASE("R11: a dot-dot segment is refused on every host that has a route with path") {
  auto table = table_of({{"a.com", "/api", {}},
                         {"a.com", "", {}},
                         {"b.com", "", {}},
                         {"c.com", "/api", Scheme::kHttps},
                         {"c.com", "", {}},
                         {"d.com", "/api", {}}});
  CHECK(find(*table, "a.com", "/api/../secret") == "400");
  CHECK(find(*table, "a.com", "/api/%2e%2E/secret") == "400");
  CHECK(find(*table, "a.com", "/api/..") == "400");
  CHECK(find(*table, "a.com", "/api/..a") == "a.com/api");
  CHECK(find(*table, "a.com", "/other/../api") == "400");
  CHECK(find(*table, "a.com", "/../api") == "400");
  CHECK(find(*table, "a.com", "/%252%65%252%65/api") == "400");
  CHECK(find(*table, "a.com", "/..%25%32%66api") == "400");
  CHECK(find(*table, "a.com", "/..a/b..") == "a.com");
  CHECK(find(*table, "c.com", "/x/../api", Scheme::kHttp) == "400");
  CHECK(find(*table, "d.com", "/x/../y") == "400");
  CHECK(find(*table, "d.com", "/x/y") == "404");
  CHECK(find(*table, "b.com", "/api/../secret") == "b.com");
}

TEST_CASE("OPTIONS * matches only routes without path") {
  auto table = table_of({{"a.com", "/api", {}}, {"a.com", "", {}}, {"b.com", "/", {}}});
  CHECK(find(*table, "a.com", "*") == "a.com");
  CHECK(find(*table, "b.com", "*") == "404");
}

TEST_CASE("a (host, path, scheme) has one route: the last that was set") {
  RouteTableEditor editor(kSeed);
  for (const std::string host : {"a.com", "*.a.com", ".a.com", "*", "[::1]"}) {
    for (const std::string path : {"", "/p"}) {
      for (const Entry& entry : {Entry{host, path, {}}, Entry{host, path, Scheme::kHttp},
                                 Entry{host, path, Scheme::kHttps}}) {
        weir::route::RouteKey key{entry.host, entry.path, entry.scheme};
        CHECK(editor.find(key).route == kNoRoute);
        set(editor, entry, "first");
        set(editor, entry, label_of(entry));
        CHECK(editor.route(editor.find(key).route)->label == label_of(entry));
        PlacedRoute there = editor.find(key);
        CHECK(editor.insert(key, {0, 77}) == there);
        CHECK(editor.find(key) == there);
      }
    }
  }
  // Two spellings of one path.
  set(editor, {"a.com", "/%70", {}}, "a.com/p again");
  auto table = editor.publish();
  CHECK(table->hosts() == 5);
  CHECK(table->routes() == 30);
  CHECK(find(*table, "a.com", "/p/x", Scheme::kHttp) == "a.com/p http");
  CHECK(editor.route(editor.find({"a.com", "/p", {}}).route)->label == "a.com/p again");
}

TEST_CASE("a host may have thousands of paths") {
  std::vector<Entry> entries;
  for (int i = 0; i < 5000; ++i) {
    entries.push_back({"a.com", "/dir" + std::to_string(i % 50) + "/" + std::to_string(i), {}});
  }
  auto table = table_of(entries);
  for (int i = 0; i < 5000; ++i) {
    std::string path = "/dir" + std::to_string(i % 50) + "/" + std::to_string(i);
    CHECK(find(*table, "a.com", path + "/x") == "a.com" + path);
    CHECK(find(*table, "a.com", path + "x") == "404");
  }
}

TEST_CASE("a request keeps its route without the table") {
  std::shared_ptr<const Route> route;
  {
    auto table = table_of({{"a.com", "", {}}});
    std::string scratch;
    route = *table->find("a.com", "/", Scheme::kHttp, scratch).route;
  }
  CHECK(route->label == "a.com");
}

using Labels = std::vector<std::string>;

Labels labels_of(const std::vector<RouteTable::Item>& items) {
  Labels labels;
  for (const RouteTable::Item& item : items) {
    CHECK(item.route->label == label_of({item.host, item.path, item.scheme}));
    labels.push_back(item.route->label.str());
  }
  return labels;
}

TEST_CASE("all routes page by page, and those of one host") {
  std::vector<Entry> entries = {{"b.example", "", {}},
                                {"*", "", Scheme::kHttps},
                                {".b.example", "/x", {}},
                                {"b.example", "/api", Scheme::kHttps},
                                {"*.b.example", "", {}},
                                {"b.example", "/api", {}},
                                {"b.example", "/a", {}},
                                {"192.0.2.1", "", {}},
                                {"*", "/x", {}}};
  auto table = table_of(entries);
  REQUIRE(table->routes() == 9);
  Labels wanted;
  for (const Entry& entry : entries) wanted.push_back(label_of(entry));
  std::sort(wanted.begin(), wanted.end());
  for (std::size_t limit : {std::size_t{1}, std::size_t{3}, std::size_t{100}}) {
    Labels all;
    RouteTable::Cursor cursor = 0;
    while (cursor != RouteTable::kEnd) {
      Labels page = labels_of(table->list(cursor, limit));
      CHECK(!page.empty());
      CHECK(page.size() < limit + 4);
      all.insert(all.end(), page.begin(), page.end());
    }
    CHECK(all.front().front() == '*');
    std::sort(all.begin(), all.end());
    CHECK(all == wanted);
  }
  CHECK(labels_of(table->routes_of("b.example")) ==
        Labels{"b.example", "b.example/a", "b.example/api https", "b.example/api"});
  CHECK(labels_of(table->routes_of("*")) == Labels{"* https", "*/x"});
  CHECK(labels_of(table->routes_of(".b.example")) == Labels{".b.example/x"});
  CHECK(labels_of(table->routes_of("*.b.example")) == Labels{"*.b.example"});
  CHECK(labels_of(table->routes_of("192.0.2.1")) == Labels{"192.0.2.1"});
  // Patterns are named, not walked.
  CHECK(table->routes_of("a.b.example").empty());
  CHECK(table_of({})->routes_of("*").empty());
  RouteTable::Cursor cursor = 0;
  CHECK(table_of({})->list(cursor, 10).empty());
  CHECK(cursor == RouteTable::kEnd);
}

// Random histories against a map, with every version looked at again at the end; and whatever the
// history, the same keys make the same table.
TEST_CASE("a table is what was set and erased, in every version") {
  using Key = std::tuple<std::string, std::string, int>;
  using Model = std::map<Key, std::pair<std::string, std::uint32_t>>;
  auto contents = [](const RouteTable& table) {
    Model model;
    RouteTable::Cursor cursor = 0;
    for (const RouteTable::Item& item : table.list(cursor, 100'000))
      model[{item.host, item.path, item.scheme ? static_cast<int>(*item.scheme) : 2}] = {
          item.route->label.str(), item.placed.origin};
    CHECK(model.size() == table.routes());
    return model;
  };
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    weir::Rng rng(seed);
    RouteTableEditor editor(seed);
    std::vector<weir::route::RouteNumber> pools;
    for (int pool = 0; pool < 5; ++pool)
      pools.push_back(editor.add_route(
          std::make_shared<const Route>(Route{"pool" + std::to_string(pool)})));
    Model model;
    std::vector<std::pair<std::shared_ptr<const RouteTable>, Model>> versions;
    for (int version = 0; version < 8; ++version) {
      for (std::uint32_t steps = rng.below(60); steps > 0; --steps) {
        static const char* const kHosts[] = {"a.com", "*.a.com", ".a.com", "*", "b.a.com", "[::1]"};
        static const char* const kPaths[] = {"", "", "/p", "/p/q"};
        Key key{kHosts[rng.below(6)], kPaths[rng.below(4)], static_cast<int>(rng.below(3))};
        const auto& [host, path, scheme] = key;
        weir::route::RouteKey wanted{host, path, std::nullopt};
        if (scheme < 2) wanted.scheme = static_cast<Scheme>(scheme);
        if (rng.one_in(2)) {
          CHECK((editor.erase(wanted).route != kNoRoute) == (model.erase(key) == 1));
        } else {
          std::uint32_t pool = rng.below(5);
          std::uint32_t origin = rng.below(10);
          bool is_kept = rng.one_in(2) && model.contains(key);
          if (is_kept)
            editor.insert(wanted, {pools[pool], origin});
          else
            editor.set(wanted, {pools[pool], origin});
          if (!is_kept) model[key] = {"pool" + std::to_string(pool), origin};
        }
        CHECK((editor.find(wanted).route != kNoRoute) == model.contains(key));
        CHECK(editor.routes() == model.size());
      }
      versions.emplace_back(editor.publish(), model);
    }
    for (const auto& [table, wanted] : versions) {
      CHECK(contents(*table) == wanted);
      for (const auto& [key, leads_to] : wanted) {
        const auto& [host, path, scheme] = key;
        weir::route::RouteKey known{host, path, std::nullopt};
        if (scheme < 2) known.scheme = static_cast<Scheme>(scheme);
        RouteTable::Known found = table->known(known);
        CHECK(found.placed.origin == leads_to.second);
        std::size_t of_host = table->routes_of(host).size();
        CHECK(found.is_alone == (of_host == 1 && path.empty() && scheme == 2 && host != "*"));
      }
    }
  }
}

}  // namespace
