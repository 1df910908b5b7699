#pragma once
// Choosing one backend among candidates. An algorithm is a row of balancers.def and one file in
// backend/balancers/ with one class; a contract test runs over all rows. One per pool and worker.
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "weir/base/rng.h"
#include "weir/config/config.h"

namespace weir::backend {

// What an algorithm may look at.
struct Candidate {
  std::uint32_t in_flight = 0;  // own requests exactly, those of other workers up to 100 ms old
};

class Balancer {
 public:
  virtual ~Balancer() = default;
  // The index of the chosen candidate; `candidates` is not empty.
  virtual std::size_t choose(std::span<const Candidate> candidates, Rng& rng) = 0;
};

std::unique_ptr<Balancer> make_balancer(config::Balance which);

}  // namespace weir::backend
