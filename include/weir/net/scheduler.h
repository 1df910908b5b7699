#pragma once
// What single-threaded code needs of its loop: the time of this turn, timers, and a place for
// objects that may not be destroyed while their own code is on the stack (DESIGN §4.5). Driven by
// net::Loop in weir and by the simulation in tests. One thread; outlives everything that runs on
// it.
#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "weir/base/time.h"
#include "weir/net/timer.h"

namespace weir::net {

class Scheduler {
 public:
  explicit Scheduler(const Clock& clock) : clock_(clock), now_(clock.now()) {}
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;
  ~Scheduler();

  // The time at which this turn of the loop began; exact enough for timers (a millisecond or so).
  TimePoint now() const { return now_; }
  const Clock& clock() const { return clock_; }

  void arm(Timer& timer, Duration after) {
    timers_.arm(timer, now_, after);
    wake_at_ = std::min(wake_at_, timer.deadline());
  }

  // Destroys `owned` once the stack is unwound (at the end of the current event).
  template <typename T>
  void retire(std::unique_ptr<T> owned) {
    if (owned)
      retired_.push_back(Retired{owned.release(), [](void* p) { delete static_cast<T*>(p); }});
  }

  // --- for the driver ---
  void set_now(TimePoint now) { now_ = now; }
  // Runs due timers, then drains retired objects. Thousands may be due at once (clients that came
  // together and stayed silent), each with a system call or two: so one call runs as many as the
  // turn had events and at least kTimersPerTurn, the earliest first. Neither sockets nor timers
  // starve the other then. While more is due next_deadline() is in the past, and the driver looks
  // at its sockets before it calls again.
  void run_timers(std::size_t events = 0);
  static constexpr std::size_t kTimersPerTurn = 16;
  // Destroys retired objects, and those that their destructors retire.
  void drain_retired();
  // The time at which run_timers() has work next.
  std::optional<TimePoint> next_deadline() const { return timers_.next_deadline(); }
  // When the driver should look again: the deadline it last set, or that of a timer armed since
  // which is due earlier.
  void set_wake(TimePoint at) { wake_at_ = at; }
  TimePoint wake_at() const { return wake_at_; }

 private:
  struct Retired {
    void* object;
    void (*destroy)(void*);
  };
  const Clock& clock_;
  TimePoint now_;
  TimePoint wake_at_ = TimePoint::max();
  Timers timers_;
  std::vector<Retired> retired_;
  bool is_draining_ = false;
};

}  // namespace weir::net
