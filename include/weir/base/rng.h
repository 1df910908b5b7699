#pragma once
// A small fast seeded generator (xoshiro256**). Not for secrets. One thread each; the seed comes
// from outside (server/ takes it from the kernel, tests from the command line).
#include <cstdint>

namespace weir {

class Rng {
 public:
  explicit Rng(std::uint64_t seed);
  std::uint64_t next();
  // Uniform in [0, bound); bound > 0.
  std::uint32_t below(std::uint32_t bound) {
    return static_cast<std::uint32_t>(((next() >> 32) * bound) >> 32);
  }
  // True with probability numerator/denominator.
  bool one_in(std::uint32_t denominator) { return below(denominator) == 0; }

 private:
  std::uint64_t state_[4];
};

}  // namespace weir
