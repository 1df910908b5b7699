#pragma once
// The algorithms. Each is a class of a few lines; state that it needs between choices lives in it.
#include <vector>

#include "weir/backend/balancer.h"

namespace weir::backend {

// Two random candidates, the one with less in flight: nearly as even as looking at all of them, at
// constant cost, and workers that know little of each other do not all run to the same one. A
// backend of weight w stands for w equal ones: it is drawn w times as often, and each of the w has
// its part of what is in flight. Only one of the two would miss the weights' proportions: at high
// load without the division, at low load and in large pools without the draw.
class LeastLoaded final : public Balancer {
 public:
  std::size_t choose(const Candidates& candidates, Rng& rng) override;
};

// One after the other, in the order of the configuration. With weights smoothly (a a b a, not
// a a a b): each choice gives every candidate its weight of credit, the richest pays for all.
class RoundRobin final : public Balancer {
 public:
  std::size_t choose(const Candidates& candidates, Rng& rng) override;

 private:
  std::size_t choose_by_weight(const Candidates& candidates);
  std::size_t next_ = 0;
  std::vector<std::int64_t> credits_;  // by id
};

// The one with the fewest in flight for its weight of all; among equals in turn.
class LeastRequests final : public Balancer {
 public:
  std::size_t choose(const Candidates& candidates, Rng& rng) override;

 private:
  std::size_t start_ = 0;
};

}  // namespace weir::backend
