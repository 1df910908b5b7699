// Two tables compared: what differs, in which words, and that nothing is missed.
#include "src/cli/diff.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <map>

#include "weir/base/rng.h"

namespace weir::cli {
namespace {

std::string usual(std::string_view key) { return "usual " + std::string(key); }

// The views are of literals.
Snapshot table(std::vector<RouteRow> routes, std::vector<PoolRow> pools = {}) {
  Snapshot snapshot;
  snapshot.source = "x";
  snapshot.hash = "00";
  snapshot.routes = std::move(routes);
  snapshot.pools = std::move(pools);
  snapshot.route_count = snapshot.routes.size();
  snapshot.pool_count = snapshot.pools.size();
  return snapshot;
}

std::string text_of(const Snapshot& before, const Snapshot& after, std::size_t most = 20) {
  TableDiff diff = compare(before, after, usual);
  std::string text = diff_text(before, after, diff, most, false);
  std::size_t begin = text.find("from A to B: ");
  return text.substr(begin + 13);
}

PoolRow pool(std::string_view name, std::vector<BackendRow> backends) {
  PoolRow row;
  row.name = name;
  row.usable = backends.size();
  row.backends = std::move(backends);
  return row;
}

}  // namespace

TEST_CASE("diff: hosts that come, go and move, with their paths") {
  Snapshot before = table({{"a", "", "", "web", "web"},
                           {"b", "", "", "web", "web"},
                           {"b", "/x", "", "web", "web"},
                           {"c", "", "https", "web", "web"},
                           {"d", "", "", "old", "web"},
                           {"e", "", "", "web", "web"}});
  Snapshot after = table({{"e", "", "", "web", "web"},
                          {"d", "", "", "new", "web"},
                          {"c", "", "https", "q", "", true},
                          {"b", "/y", "", "web", "web"},
                          {"b", "/x", "", "api", "api"},
                          {"f", "/1", "", "web", "web"},
                          {"f", "/2", "http", "api", "api"}});
  CHECK(text_of(before, after) ==
        "+1 host, -1 host, 2 hosts moved, 1 host relabelled\n"
        "hosts added: 1\n"
        "  + f/1         pool web\n"
        "  + f/2 (http)  pool api\n"
        "hosts removed: 1\n"
        "  - a  pool web\n"
        "hosts moved: 2\n"
        "  - b          pool web\n"
        "  ~ b/x        pool web → pool api\n"
        "  + b/y        pool web\n"
        "  ~ c (https)  pool web → quarantined\n"
        "hosts relabelled: 1\n"
        "  ~ d  route old → new\n"
        "hosts left without a usable backend: 1\n"
        "  ! c  quarantined\n");
  CHECK(text_of(before, before) == "no difference\n");
}

TEST_CASE("diff: pools that come, go and change, by settings and backends") {
  PoolRow changed = pool("web", {{"10.0.0.1:80"}, {"10.0.0.2:80", 2}, {"10.0.0.3:80", 1, true}});
  changed.settings = {{"balance", "\"round_robin\""}, {"retries", "3"}};
  PoolRow was = pool("web", {{"10.0.0.2:80"}, {"10.0.0.3:80", 1, true}, {"10.0.0.4:80"}});
  was.settings = {{"balance", "\"least_requests\""}, {"max_idle", "4"}};
  Snapshot before = table({}, {was, pool("gone", {})});
  Snapshot after = table(
      {}, {pool("new", {{"1"}, {"2"}, {"3"}, {"4"}, {"5", 3, true}}), changed});
  CHECK(text_of(before, after) ==
        "+1 pool, -1 pool, 1 pool changed\n"
        "pools added: 1\n"
        "  + new  1, 2, 3, 4 and 1 more\n"
        "pools removed: 1\n"
        "  - gone  no backends\n"
        "pools changed: 1\n"
        "  ~ web  balance \"least_requests\" → \"round_robin\"\n"
        "  ~ web  max_idle 4 → usual max_idle\n"
        "  ~ web  retries usual retries → 3\n"
        "  + web  10.0.0.1:80\n"
        "  - web  10.0.0.4:80\n"
        "  ~ web  10.0.0.2:80 → 10.0.0.2:80 weight 2\n");
  Json json = Json::parse(diff_json(before, after, compare(before, after, usual)));
  CHECK(at(json, "same") == false);
  CHECK(json["pools_changed"][0]["settings"][1] ==
        Json::parse(R"({"key": "max_idle", "before": "4", "after": "usual max_idle"})"));
  CHECK(json["pools_changed"][0]["backends_changed"][0]["after"]["weight"] == 2);
}

TEST_CASE("diff: hosts that lose their last usable backend, apart from those that had none") {
  PoolRow down = pool("web", {{"10.0.0.1:80"}});
  down.usable = 0;
  std::vector<RouteRow> routes = {{"a", "", "", "web", "web"}, {"b", "", "", "none", "none"}};
  Snapshot before = table(routes, {pool("web", {{"10.0.0.1:80"}}), pool("none", {})});
  Snapshot after = table(routes, {down, pool("none", {})});
  CHECK(text_of(before, after) ==
        "no difference\n"
        "hosts left without a usable backend: 1\n"
        "  ! a  no backend of pool web is usable\n"
        "without a usable backend in A as well: 1 host\n");
}

TEST_CASE("diff: long lists are shortened and say by how much") {
  Snapshot before = table({}), after = table({{"a", "", "", "w", "w"}, {"b", "", "", "w", "w"}, {"c", "", "", "w", "w"}});
  CHECK(text_of(before, after, 1) ==
        "+3 hosts\nhosts added: 3\n  + a  pool w\n  … and 2 more (--all shows them)\n");
  Json json = Json::parse(diff_json(before, after, compare(before, after, usual)));
  CHECK(json["hosts_added"].size() == 3);
}

// Every host and pool of random tables is where plain maps say.
TEST_CASE("diff: nothing is missed and nothing is made up") {
  Rng rng(20261120);
  std::deque<std::string> names;
  for (int i = 0; i < 40; ++i) names.push_back("n" + std::to_string(i));
  for (int round = 0; round < 300; ++round) {
    std::map<std::string_view, std::string_view> hosts[2], pools[2];
    Snapshot sides[2];
    for (int side : {0, 1}) {
      for (std::uint32_t more = rng.below(30); more > 0; --more) {
        hosts[side].emplace(names[rng.below(40)], names[rng.below(3)]);
        pools[side].emplace(names[rng.below(40)], names[rng.below(3)]);
      }
      for (const auto& [host, to] : hosts[side]) sides[side].routes.push_back({host, "", "", to, to});
      if (rng.one_in(2)) std::reverse(sides[side].routes.begin(), sides[side].routes.end());
      for (const auto& [name, address] : pools[side]) sides[side].pools.push_back(pool(name, {{address}}));
    }
    TableDiff diff = compare(sides[0], sides[1], usual);
    std::map<std::string_view, char> said[2];
    for (const auto& host : diff.added) said[0][host.host] = '+';
    for (const auto& host : diff.removed) said[0][host.host] = '-';
    for (const auto& host : diff.changed) said[0][host.after.host] = '~';
    for (const PoolRow* row : diff.pools_added) said[1][row->name] = '+';
    for (const PoolRow* row : diff.pools_removed) said[1][row->name] = '-';
    for (const auto& change : diff.pools_changed) said[1][change.name] = '~';
    for (int kind : {0, 1}) {
      const auto& before = kind == 0 ? hosts[0] : pools[0];
      const auto& after = kind == 0 ? hosts[1] : pools[1];
      std::map<std::string_view, char> wanted;
      for (const auto& [name, value] : before) {
        auto found = after.find(name);
        if (found == after.end())
          wanted[name] = '-';
        else if (found->second != value)
          wanted[name] = '~';
      }
      for (const auto& [name, value] : after)
        if (!before.contains(name)) wanted[name] = '+';
      CHECK(said[kind] == wanted);
    }
  }
}

}  // namespace weir::cli
