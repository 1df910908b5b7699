#pragma once
// A clock that stands still until a test moves it, and moves the scheduler's timers with it.
#include "weir/base/time.h"
#include "weir/net/scheduler.h"

namespace weir::test {

class FakeClock final : public Clock {
 public:
  TimePoint now() const override { return TimePoint(since_start_); }
  WallTime wall() const override { return WallTime(kStart + since_start_); }
  // One turn of the loop that comes `by` later.
  void advance(net::Scheduler& scheduler, Duration by) {
    since_start_ += by;
    scheduler.set_now(now());
    scheduler.run_timers();
  }

 private:
  static constexpr Duration kStart = std::chrono::seconds(1'795'155'933);  // 2026-11-20T06:25:33Z
  Duration since_start_ = std::chrono::hours(1);
};

}  // namespace weir::test
