#pragma once
// Time as weir sees it. Monotonic points for deadlines and durations, wall time only for what
// people and protocols read (Date, log lines). Every clock is passed in, so that the simulation
// owns time.
#include <chrono>
#include <cstdint>

namespace weir {

using Duration = std::chrono::nanoseconds;

struct Monotonic {
  using rep = std::int64_t;
  using period = std::nano;
  using duration = Duration;
  using time_point = std::chrono::time_point<Monotonic>;
  static constexpr bool is_steady = true;
};
using TimePoint = Monotonic::time_point;

// Nanoseconds since 1970-01-01 UTC.
using WallTime = std::chrono::time_point<std::chrono::system_clock, std::chrono::nanoseconds>;

class Clock {
 public:
  virtual ~Clock() = default;
  // Precise; about 25 ns a call. Where a millisecond is enough take Scheduler::now().
  virtual TimePoint now() const = 0;
  virtual WallTime wall() const = 0;
};

// The machine's clocks. Any thread.
class SystemClock final : public Clock {
 public:
  TimePoint now() const override;
  WallTime wall() const override;
};

}  // namespace weir
