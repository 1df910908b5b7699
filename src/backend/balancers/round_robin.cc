#include "balancers.h"

namespace weir::backend {

std::size_t RoundRobin::choose(const Candidates& candidates, Rng&) {
  if (next_ >= candidates.size()) next_ = 0;
  return next_++;
}

}  // namespace weir::backend
