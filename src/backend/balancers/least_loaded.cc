#include <algorithm>

#include "balancers.h"

namespace weir::backend {

namespace {

std::size_t draw_by_weight(std::span<const std::uint32_t> sums, Rng& rng) {
  auto found = std::upper_bound(sums.begin(), sums.end(), rng.below(sums.back()));
  return static_cast<std::size_t>(found - sums.begin());
}

}  // namespace

std::size_t LeastLoaded::choose(const Candidates& candidates, Rng& rng) {
  auto size = static_cast<std::uint32_t>(candidates.size());
  if (size == 1) return 0;
  std::span<const std::uint32_t> sums = candidates.weight_sums();
  if (!sums.empty()) {
    std::size_t first = draw_by_weight(sums, rng);
    std::size_t second = draw_by_weight(sums, rng);
    return candidates.is_less_loaded(second, first) ? second : first;
  }
  std::uint32_t first = rng.below(size);
  std::uint32_t second = rng.below(size - 1);
  if (second >= first) ++second;
  return candidates.in_flight(second) < candidates.in_flight(first) ? second : first;
}

}  // namespace weir::backend
