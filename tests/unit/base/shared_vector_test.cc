#include "weir/base/shared_vector.h"

#include <doctest/doctest.h>

#include <vector>

using weir::SharedVector;

TEST_CASE("versions of a shared vector differ where one was changed, and nothing else is looked at") {
  SharedVector<int, 4> newest;
  for (int i = 0; i < 12; ++i) newest.push_back(i);
  SharedVector<int, 4> before = newest.share();
  auto visited = [&] {
    std::vector<std::size_t> places;
    newest.for_each_difference(before, [&](std::size_t at) { places.push_back(at); });
    return places;
  };
  CHECK(visited().empty());
  newest.at(5) = 50;
  CHECK(visited() == std::vector<std::size_t>{4, 5, 6, 7});
  CHECK(before[5] == 5);
  CHECK(newest[5] == 50);
  before = newest.share();
  // Longer, in a chunk of its own and in one that was shared.
  newest.push_back(12);
  CHECK(visited() == std::vector<std::size_t>{12});
  before = newest.share();
  newest.push_back(13);
  CHECK(visited() == std::vector<std::size_t>{12, 13});
  CHECK(before.size() == 13);
}
