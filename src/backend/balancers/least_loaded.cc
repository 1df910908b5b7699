#include "balancers.h"

namespace weir::backend {

std::size_t LeastLoaded::choose(const Candidates& candidates, Rng& rng) {
  auto size = static_cast<std::uint32_t>(candidates.size());
  if (size == 1) return 0;
  std::uint32_t first = rng.below(size);
  std::uint32_t second = rng.below(size - 1);
  if (second >= first) ++second;
  return candidates.in_flight(second) < candidates.in_flight(first) ? second : first;
}

}  // namespace weir::backend
