#pragma once
// Every choice of a simulated run. Drawn from a seed, or from a fuzzer's bytes (which then decide
// until they are used up; after that the first or smallest is chosen, and of what has a probability
// nothing happens any more).
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>

#include "weir/base/rng.h"
#include "weir/base/time.h"

namespace weir::sim {

class Chance {
 public:
  explicit Chance(std::uint64_t seed) : rng_(seed) {}
  explicit Chance(std::string_view bytes) : rng_(0), bytes_(bytes) {}

  // In [0, bound); bound > 0.
  std::uint32_t below(std::uint32_t bound) {
    if (!bytes_) return rng_.below(bound);
    if (bytes_->empty()) return 0;
    std::uint32_t drawn = 0;
    for (std::uint32_t covered = 1; covered < bound && !bytes_->empty();) {
      drawn = drawn << 8 | static_cast<unsigned char>(bytes_->front());
      bytes_->remove_prefix(1);
      if (covered >= 1u << 16) break;
      covered <<= 8;
    }
    return drawn % bound;
  }
  // True in `percent` of 100 cases.
  bool percent(std::uint32_t percent) {
    bool is_used_up = bytes_ && bytes_->empty();
    return percent > 0 && !is_used_up && below(100) < percent;
  }
  // In [low, high].
  std::uint32_t between(std::uint32_t low, std::uint32_t high) {
    return low + below(high - low + 1);
  }
  Duration between(Duration low, Duration high) {
    auto micros = std::chrono::duration_cast<std::chrono::microseconds>(high - low).count();
    return low + std::chrono::microseconds(below(static_cast<std::uint32_t>(micros) + 1));
  }
  template <typename T>
  T pick(std::initializer_list<T> values) {
    return values.begin()[below(static_cast<std::uint32_t>(values.size()))];
  }

 private:
  Rng rng_;
  std::optional<std::string_view> bytes_;
};

}  // namespace weir::sim
