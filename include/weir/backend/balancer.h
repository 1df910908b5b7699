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

// What an algorithm sees: candidates by index, how many requests each has in flight (own ones
// exactly, those of other workers up to 100 ms old), and their weights.
class Candidates {
 public:
  virtual ~Candidates() = default;
  virtual std::size_t size() const = 0;
  virtual std::uint32_t in_flight(std::size_t index) const = 0;
  // The candidate's own number as long as the pool's backends stay the same, whoever else is a
  // candidate.
  virtual std::size_t id(std::size_t index) const = 0;
  // Running sums of the candidates' weights; empty: all weigh the same.
  virtual std::span<const std::uint32_t> weight_sums() const = 0;
  std::uint32_t weight(std::size_t index) const {
    std::span<const std::uint32_t> sums = weight_sums();
    if (sums.empty()) return 1;
    return index == 0 ? sums[0] : sums[index] - sums[index - 1];
  }
  // Whether `a` has less in flight for its weight than `b`.
  bool is_less_loaded(std::size_t a, std::size_t b) const {
    return std::uint64_t{in_flight(a)} * weight(b) < std::uint64_t{in_flight(b)} * weight(a);
  }
};

class Balancer {
 public:
  virtual ~Balancer() = default;
  // The index of the chosen candidate; there is at least one.
  virtual std::size_t choose(const Candidates& candidates, Rng& rng) = 0;
};

std::unique_ptr<Balancer> make_balancer(config::Balance which);
// As in files: "least_loaded".
std::string_view name_of(config::Balance which);

}  // namespace weir::backend
