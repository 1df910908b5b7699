#include "weir/base/time.h"

#include <ctime>

namespace weir {
namespace {

std::chrono::nanoseconds read_clock(clockid_t which) {
  timespec ts{};
  clock_gettime(which, &ts);
  return std::chrono::seconds(ts.tv_sec) + std::chrono::nanoseconds(ts.tv_nsec);
}

}  // namespace

TimePoint SystemClock::now() const { return TimePoint(read_clock(CLOCK_MONOTONIC)); }

WallTime SystemClock::wall() const { return WallTime(read_clock(CLOCK_REALTIME)); }

}  // namespace weir
