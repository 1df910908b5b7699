#pragma once
// The algorithms. Each is a class of a few lines; state that it needs between choices lives in it.
#include "weir/backend/balancer.h"

namespace weir::backend {

// Two random candidates, the one with less in flight: nearly as even as looking at all of them, at
// constant cost, and workers that know little of each other do not all run to the same one.
class LeastLoaded final : public Balancer {
 public:
  std::size_t choose(const Candidates& candidates, Rng& rng) override;
};

// One after the other, in the order of the configuration.
class RoundRobin final : public Balancer {
 public:
  std::size_t choose(const Candidates& candidates, Rng& rng) override;

 private:
  std::size_t next_ = 0;
};

// The one with the fewest in flight of all; among equals in turn.
class LeastRequests final : public Balancer {
 public:
  std::size_t choose(const Candidates& candidates, Rng& rng) override;

 private:
  std::size_t start_ = 0;
};

}  // namespace weir::backend
