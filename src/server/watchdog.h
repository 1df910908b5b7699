#pragma once
// The service manager's watchdog (WatchdogSec=): alive is whoever serves. Four times in a period
// each worker's loop is asked for an answer; the manager gets its ping while none of them has been
// silent for half a period, and so while Control's own loop, on which this lives, turns.
#include <functional>
#include <optional>
#include <vector>

#include "weir/base/log.h"
#include "weir/base/time.h"
#include "weir/net/scheduler.h"
#include "weir/net/timer.h"

namespace weir::server {

class Watchdog {
 public:
  // From $WATCHDOG_USEC, if that is meant for this process ($WATCHDOG_PID).
  static std::optional<Duration> period_from_environment();

  struct Hooks {
    std::function<void(unsigned worker)> ask;  // ends in on_answer(worker), on this loop
    std::function<void()> ping;                // to the service manager
    std::function<void()> on_change;           // a worker became silent, or answers again
  };
  // Begins at once. `log` outlives it.
  Watchdog(net::Scheduler& scheduler, Log& log, unsigned workers, Duration period, Hooks hooks);

  void on_answer(unsigned worker);
  // Silent for half a period or more.
  std::optional<unsigned> silent_worker() const;

 private:
  struct Worker {
    TimePoint asked_at{};
    bool is_asked = false;
    bool is_silent = false;
  };
  void on_tick();
  void forgive(Duration delay);

  net::Scheduler& scheduler_;
  Log& log_;
  Duration period_;
  Hooks hooks_;
  std::vector<Worker> workers_;
  TimePoint last_tick_;
  net::Timer tick_;
};

}  // namespace weir::server
