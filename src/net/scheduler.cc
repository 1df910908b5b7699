#include "weir/net/scheduler.h"

namespace weir::net {

Scheduler::~Scheduler() { drain_retired(); }

void Scheduler::run_timers(std::size_t events) {
  timers_.advance(now_, std::max(events, kTimersPerTurn));
  drain_retired();
}

void Scheduler::drain_retired() {
  if (retired_.empty() || is_draining_) return;
  is_draining_ = true;
  for (std::size_t i = 0; i < retired_.size(); ++i) {
    Retired retired = retired_[i];  // a destructor may retire more and move the array
    retired.destroy(retired.object);
  }
  retired_.clear();
  is_draining_ = false;
}

}  // namespace weir::net
