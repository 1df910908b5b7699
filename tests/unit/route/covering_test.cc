// The walk as a list: the same that RouteTable does.
#include "weir/route/covering.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "weir/base/rng.h"
#include "weir/route/route_table.h"

namespace weir::route {
namespace {

using Patterns = std::vector<std::string>;

TEST_CASE("patterns from the most to the least specific") {
  CHECK(patterns_covering("a.example.com") ==
        Patterns{"a.example.com", ".a.example.com", "*.example.com", ".example.com", ".com"});
  CHECK(patterns_covering("b.a.example.com") == Patterns{"b.a.example.com", ".b.a.example.com",
                                                         "*.a.example.com", ".a.example.com",
                                                         ".example.com", ".com"});
  CHECK(patterns_covering("localhost") == Patterns{"localhost", ".localhost"});
}

TEST_CASE("addresses have no names above them; nothing covers no host") {
  CHECK(patterns_covering("192.0.2.1") == Patterns{"192.0.2.1"});
  CHECK(patterns_covering("[2001:db8:0::1]") == Patterns{"[2001:db8::1]"});
  CHECK(patterns_covering("[::ffff:192.0.2.1]") == Patterns{"192.0.2.1"});
  CHECK(patterns_covering("") == Patterns{});
  CHECK(patterns_covering(std::string(256, 'a')) == Patterns{});
}

TEST_CASE("the first pattern of a table is the route that the table finds") {
  Rng rng(11);
  auto draw = [&](std::size_t labels) {
    std::string name;
    for (std::size_t i = 0; i < labels; ++i)
      name += (i == 0 ? "" : ".") + std::string(1, static_cast<char>('a' + rng.below(2)));
    return name;
  };
  for (int round = 0; round < 300; ++round) {
    RouteTableEditor editor(rng.next());
    Patterns known;
    for (int i = 0; i < 6; ++i) {
      constexpr std::string_view kPrefixes[] = {"", ".", "*."};
      std::string pattern = std::string(kPrefixes[rng.below(3)]) + draw(1 + rng.below(3));
      Route route;
      route.label = pattern;
      editor.set({pattern, "", {}}, {editor.add_route(std::make_shared<const Route>(route)), 0});
      known.push_back(pattern);
    }
    std::shared_ptr<const RouteTable> table = editor.publish();
    for (int i = 0; i < 10; ++i) {
      std::string host = draw(1 + rng.below(4));
      std::string scratch;
      Match match = table->find(host, "/", http::Scheme::kHttp, scratch);
      std::string first;
      for (const std::string& pattern : patterns_covering(host))
        if (first.empty() && std::find(known.begin(), known.end(), pattern) != known.end())
          first = pattern;
      CAPTURE(host);
      CHECK((match.route == nullptr ? "" : (*match.route)->label.view()) == first);
    }
  }
}

}  // namespace
}  // namespace weir::route
