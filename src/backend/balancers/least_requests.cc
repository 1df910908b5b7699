#include "balancers.h"

namespace weir::backend {

std::size_t LeastRequests::choose(const Candidates& candidates, Rng&) {
  std::size_t size = candidates.size();
  if (start_ >= size) start_ = 0;
  std::size_t best = start_;
  for (std::size_t step = 1; step < size && candidates.in_flight(best) > 0; ++step) {
    std::size_t index = (start_ + step) % size;
    if (candidates.is_less_loaded(index, best)) best = index;
  }
  start_ = best + 1;
  return best;
}

}  // namespace weir::backend
