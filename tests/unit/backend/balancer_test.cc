// What every algorithm owes, over all rows of balancers.def; then what each is for.
#include "weir/backend/balancer.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>
#include <string_view>
#include <vector>

namespace {

using namespace weir;
using backend::Balancer;
using config::Balance;

struct Row {
  std::string_view key;
  Balance which;
};
constexpr Row kRows[] = {
#define BALANCER(key, name, type) {key, Balance::name},
#include "weir/backend/balancers.def"
#undef BALANCER
};

struct Fixed final : backend::Candidates {
  explicit Fixed(std::vector<std::uint32_t> counts, const std::vector<std::uint32_t>& weights = {})
      : in_flights(std::move(counts)) {
    for (std::uint32_t weight : weights) sums.push_back((sums.empty() ? 0 : sums.back()) + weight);
  }
  std::size_t size() const override { return in_flights.size(); }
  std::uint32_t in_flight(std::size_t index) const override {
    REQUIRE(index < in_flights.size());
    return in_flights[index];
  }
  std::size_t id(std::size_t index) const override { return index; }
  std::span<const std::uint32_t> weight_sums() const override { return sums; }
  std::vector<std::uint32_t> in_flights;
  std::vector<std::uint32_t> sums;
};

std::vector<std::size_t> choose_many(Balancer& balancer, const Fixed& candidates, std::size_t count,
                                     std::uint64_t seed = 1) {
  Rng rng(seed);
  std::vector<std::size_t> chosen(candidates.size());
  for (std::size_t i = 0; i < count; ++i) {
    std::size_t index = balancer.choose(candidates, rng);
    REQUIRE(index < candidates.size());
    ++chosen[index];
  }
  return chosen;
}

TEST_CASE("every algorithm stays in range, also when candidates come and go") {
  for (const Row& row : kRows) {
    CAPTURE(row.key);
    auto balancer = backend::make_balancer(row.which);
    Rng rng(7);
    for (int i = 0; i < 2000; ++i) {
      Fixed candidates(std::vector<std::uint32_t>(1 + rng.below(9)));
      for (std::uint32_t& count : candidates.in_flights) count = rng.below(4) * 0x4000'0000u;
      CHECK(balancer->choose(candidates, rng) < candidates.size());
    }
  }
}

TEST_CASE("every algorithm takes the only candidate, however busy") {
  for (const Row& row : kRows) {
    auto balancer = backend::make_balancer(row.which);
    CHECK(choose_many(*balancer, Fixed({4'000'000'000u}), 10)[0] == 10);
  }
}

TEST_CASE("every algorithm spreads over equal candidates") {
  for (const Row& row : kRows) {
    CAPTURE(row.key);
    for (std::size_t size : {2u, 3u, 10u}) {
      auto balancer = backend::make_balancer(row.which);
      auto chosen = choose_many(*balancer, Fixed(std::vector<std::uint32_t>(size)), size * 300);
      CHECK(*std::min_element(chosen.begin(), chosen.end()) > 230);
      CHECK(*std::max_element(chosen.begin(), chosen.end()) < 370);
    }
  }
}

TEST_CASE("every algorithm does the same again with the same seed") {
  for (const Row& row : kRows) {
    auto first = backend::make_balancer(row.which);
    auto second = backend::make_balancer(row.which);
    Fixed candidates({3, 1, 4, 1, 5});
    CHECK(choose_many(*first, candidates, 100, 42) == choose_many(*second, candidates, 100, 42));
  }
}

TEST_CASE("every algorithm keeps requests that stay balanced") {
  for (const Row& row : kRows) {
    CAPTURE(row.key);
    auto balancer = backend::make_balancer(row.which);
    Rng rng(3);
    Fixed candidates(std::vector<std::uint32_t>(8));
    for (int i = 0; i < 8 * 50; ++i) ++candidates.in_flights[balancer->choose(candidates, rng)];
    auto [least, most] =
        std::minmax_element(candidates.in_flights.begin(), candidates.in_flights.end());
    CHECK(*most - *least <= 6);
  }
}

TEST_CASE("round_robin goes in the order of the configuration") {
  auto balancer = backend::make_balancer(Balance::kRoundRobin);
  Rng rng(1);
  Fixed three({9, 0, 0});
  std::vector<std::size_t> order;
  for (int i = 0; i < 7; ++i) order.push_back(balancer->choose(three, rng));
  CHECK(order == std::vector<std::size_t>{0, 1, 2, 0, 1, 2, 0});
}

TEST_CASE("least_requests takes the fewest of all, equals in turn") {
  auto balancer = backend::make_balancer(Balance::kLeastRequests);
  CHECK(choose_many(*balancer, Fixed({5, 4, 3, 2, 3, 4}), 50)[3] == 50);
  auto chosen = choose_many(*balancer, Fixed({2, 1, 2, 1, 1}), 30);
  CHECK(chosen == std::vector<std::size_t>{0, 10, 0, 10, 10});
}

TEST_CASE("least_loaded never takes the busiest, and the idlest most often") {
  auto balancer = backend::make_balancer(Balance::kLeastLoaded);
  auto chosen = choose_many(*balancer, Fixed({9, 0, 5}), 3000);
  CHECK(chosen[0] == 0);
  CHECK(chosen[1] > 1800);  // two draws of three: it is in two thirds of them
  CHECK(chosen[1] < 2200);
}

TEST_CASE("every algorithm gives an idle pool's requests out by weight, or in turn") {
  for (const Row& row : kRows) {
    CAPTURE(row.key);
    auto balancer = backend::make_balancer(row.which);
    auto chosen = choose_many(*balancer, Fixed({0, 0, 0}, {1, 2, 5}), 8000);
    if (row.which == Balance::kLeastRequests) continue;  // equals are equals: see below
    CHECK(chosen[0] > 850);
    CHECK(chosen[0] < 1150);
    CHECK(chosen[2] > 4700);
    CHECK(chosen[2] < 5300);
  }
}

// Requests that last: what is in flight settles where the weights say, whatever the load.
TEST_CASE("every algorithm keeps what is in flight in the weights' proportions") {
  for (const Row& row : kRows) {
    for (std::size_t load : {16u, 400u}) {
      CAPTURE(row.key);
      CAPTURE(load);
      auto balancer = backend::make_balancer(row.which);
      Rng rng(5);
      Fixed candidates({0, 0, 0}, {1, 2, 5});
      std::vector<std::size_t> under_way;
      std::vector<std::size_t> served(3);
      for (int i = 0; i < 40'000; ++i) {
        std::size_t chosen = balancer->choose(candidates, rng);
        ++candidates.in_flights[chosen];
        under_way.push_back(chosen);
        ++served[chosen];
        if (under_way.size() <= load) continue;
        // Any of them ends next.
        std::size_t& ended = under_way[rng.below(static_cast<std::uint32_t>(under_way.size()))];
        --candidates.in_flights[ended];
        ended = under_way.back();
        under_way.pop_back();
      }
      CHECK(static_cast<double>(served[0]) / 40'000 == doctest::Approx(0.125).epsilon(0.12));
      CHECK(static_cast<double>(served[2]) / 40'000 == doctest::Approx(0.625).epsilon(0.06));
    }
  }
}

TEST_CASE("round_robin with weights is smooth, and goes on smoothly without one of them") {
  auto balancer = backend::make_balancer(Balance::kRoundRobin);
  Rng rng(1);
  Fixed candidates({0, 0, 0}, {4, 2, 1});
  std::string order;
  for (int i = 0; i < 14; ++i)
    order += static_cast<char>('a' + static_cast<char>(balancer->choose(candidates, rng)));
  CHECK(order == "abacabaabacaba");
}

TEST_CASE("least_requests divides by the weight") {
  auto balancer = backend::make_balancer(Balance::kLeastRequests);
  CHECK(choose_many(*balancer, Fixed({4, 2, 5}, {3, 1, 3}), 20)[0] == 20);
  CHECK(choose_many(*balancer, Fixed({6, 1, 9}, {3, 1, 3}), 20)[1] == 20);
}

}  // namespace
