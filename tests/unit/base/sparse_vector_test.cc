#include "weir/base/sparse_vector.h"

#include <doctest/doctest.h>

#include <memory>
#include <vector>

using weir::SparseVector;

TEST_CASE("a sparse vector has memory where it was used") {
  SparseVector<std::unique_ptr<int>, 4> some;
  CHECK(some.find(0) == nullptr);
  CHECK(some.find(1'000'000) == nullptr);
  some.at(1'000'001) = std::make_unique<int>(7);
  CHECK(some.find(0) == nullptr);
  REQUIRE(some.find(1'000'001) != nullptr);
  CHECK(**some.find(1'000'001) == 7);
  REQUIRE(some.find(1'000'002) != nullptr);
  CHECK(*some.find(1'000'002) == nullptr);
  CHECK(some.find(1'000'004) == nullptr);
  some.at(2) = std::make_unique<int>(1);
  CHECK(**some.find(1'000'001) == 7);
  std::vector<std::size_t> there;
  some.for_each([&](std::size_t at, std::unique_ptr<int>& value) {
    if (value != nullptr) there.push_back(at);
  });
  CHECK(there == std::vector<std::size_t>{2, 1'000'001});
  // Chunks go when nothing is left in them, a few at each call.
  some.at(3) = std::make_unique<int>(2);
  auto drop = [](int value) {
    return [value](std::size_t, std::unique_ptr<int>& of) {
      if (of != nullptr && *of == value) of = nullptr;
    };
  };
  CHECK(some.sweep(0, 10, drop(1)) == 10);
  CHECK(some.find(2) != nullptr);
  CHECK(some.sweep(0, 1'000'000, drop(2)) == 0);
  CHECK(some.find(2) == nullptr);
  CHECK(**some.find(1'000'001) == 7);
  some.clear();
  CHECK(some.find(1'000'001) == nullptr);
}
