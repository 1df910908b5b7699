#include "weir/observe/series.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace weir::observe {
namespace {

using Registry = SeriesRegistry<PoolNumbers>;

std::string shown(const Registry& registry) {
  std::string text;
  registry.visit([&](std::string_view name, const PoolNumbers& numbers) {
    text += std::string(name) + "=" + std::to_string(numbers.retries.get()) + " ";
  });
  return text;
}

TEST_CASE("a name keeps its series; beyond the most there is one for all others") {
  Registry registry(1, 2);
  CHECK(shown(registry).empty());
  registry.claim("b")->of(0).retries.add(1);
  registry.claim("a")->of(0).retries.add(2);
  registry.claim("b")->of(0).retries.add(3);
  CHECK(shown(registry) == "a=2 b=4 ");
  registry.claim("c")->of(0).retries.add(5);
  registry.claim("d")->of(0).retries.add(6);
  CHECK(shown(registry) == "a=2 b=4 _other=11 ");
}

TEST_CASE("what leaves takes its series along, and the others never jump or fall") {
  Registry registry(1, 1);
  auto kept = registry.claim("a");
  kept->of(0).retries.add(2);
  registry.claim("b")->of(0).retries.add(7);
  registry.retain([](const std::string& name) { return name != "a"; });
  CHECK(shown(registry) == "_other=7 ");
  kept->of(0).retries.add(1);  // a request that still ran: nobody sees it, nothing breaks
  // The place is free, and what "b" was counted for stays where it is.
  registry.claim("b")->of(0).retries.add(1);
  CHECK(shown(registry) == "b=1 _other=7 ");
  // A name that comes back begins anew, as counters may.
  registry.retain([](const std::string&) { return false; });
  registry.claim("a")->of(0).retries.add(1);
  CHECK(shown(registry) == "a=1 _other=7 ");
}

TEST_CASE("with fewer places than series nobody loses one") {
  Registry registry(1, 3);
  registry.claim("a");
  registry.claim("b");
  registry.set_most(1);
  registry.claim("c")->of(0).retries.add(1);
  CHECK(shown(registry) == "a=0 b=0 _other=1 ");
}

TEST_CASE("shards are made where they are used and summed up over all workers") {
  PoolSeries series(3);
  PoolNumbers sum;
  series.add_to(sum);
  CHECK(sum.retries.get() == 0);
  CHECK(&series.of(2) == &series.of(2));
  series.of(2).retries.add(2);
  series.of(0).retries.add(1);
  series.of(0).response_head.observe(std::chrono::milliseconds(1));
  series.add_to(sum);
  CHECK(sum.retries.get() == 3);
  CHECK(sum.response_head.count_in(1) == 1);
}

}  // namespace
}  // namespace weir::observe
