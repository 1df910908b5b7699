#include "balancers.h"

namespace weir::backend {

std::size_t RoundRobin::choose(const Candidates& candidates, Rng&) {
  if (!candidates.weight_sums().empty()) return choose_by_weight(candidates);
  if (next_ >= candidates.size()) next_ = 0;
  return next_++;
}

std::size_t RoundRobin::choose_by_weight(const Candidates& candidates) {
  std::size_t best = 0;
  for (std::size_t index = 0; index < candidates.size(); ++index) {
    std::size_t id = candidates.id(index);
    if (id >= credits_.size()) credits_.resize(id + 1);
    credits_[id] += candidates.weight(index);
    if (credits_[id] > credits_[candidates.id(best)]) best = index;
  }
  credits_[candidates.id(best)] -= candidates.weight_sums().back();
  return best;
}

}  // namespace weir::backend
