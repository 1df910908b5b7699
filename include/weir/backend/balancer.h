#pragma once
// Choosing one backend among candidates. An algorithm is a row of balancers.def and one file in
// backend/balancers/ with one class; a contract test runs over all rows. One per pool and worker.
#include <cstdint>
#include <memory>

#include "weir/base/rng.h"
#include "weir/config/config.h"

namespace weir::backend {

// What an algorithm sees: candidates by index, and how many requests each has in flight (own ones
// exactly, those of other workers up to 100 ms old).
class Candidates {
 public:
  virtual ~Candidates() = default;
  virtual std::size_t size() const = 0;
  virtual std::uint32_t in_flight(std::size_t index) const = 0;
};

class Balancer {
 public:
  virtual ~Balancer() = default;
  // The index of the chosen candidate; there is at least one.
  virtual std::size_t choose(const Candidates& candidates, Rng& rng) = 0;
};

std::unique_ptr<Balancer> make_balancer(config::Balance which);

}  // namespace weir::backend
