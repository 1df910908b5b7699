#pragma once
// Virtual time: a clock that only the simulation moves, and the queue of what happens when. One
// queue for everything outside weir; weir's own timers run on its Scheduler (world.h joins them).
#include <algorithm>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "weir/base/time.h"

namespace weir::sim {

class SimClock final : public Clock {
 public:
  TimePoint now() const override { return now_; }
  WallTime wall() const override { return WallTime(std::chrono::days(20000)) + since_start(); }
  Duration since_start() const { return now_ - kStart; }
  void set(TimePoint now) { now_ = now; }

 private:
  // Not zero, so that "never" and "at the start" are different times.
  static constexpr TimePoint kStart{std::chrono::hours(1)};
  TimePoint now_ = kStart;
};

class EventQueue {
 public:
  explicit EventQueue(SimClock& clock) : clock_(clock) {}

  // Calls `action` once, `after` from now. Nothing is ever cancelled: actions look at the state
  // that they find. At equal times the order of scheduling decides.
  void schedule(Duration after, std::function<void()> action) {
    events_.push_back({clock_.now() + after, ++scheduled_, std::move(action)});
    std::push_heap(events_.begin(), events_.end(), is_later);
  }
  std::optional<TimePoint> next() const {
    if (events_.empty()) return std::nullopt;
    return events_.front().at;
  }
  // Moves the clock to the next event and lets it happen.
  void run_next() {
    std::pop_heap(events_.begin(), events_.end(), is_later);
    Event event = std::move(events_.back());
    events_.pop_back();
    clock_.set(event.at);
    event.action();
  }
  const SimClock& clock() const { return clock_; }

 private:
  struct Event {
    TimePoint at;
    std::uint64_t order;
    std::function<void()> action;
  };
  static bool is_later(const Event& a, const Event& b) {
    return a.at != b.at ? a.at > b.at : a.order > b.order;
  }
  SimClock& clock_;
  std::vector<Event> events_;
  std::uint64_t scheduled_ = 0;
};

}  // namespace weir::sim
