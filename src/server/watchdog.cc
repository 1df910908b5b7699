#include "watchdog.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <string>
#include <string_view>

namespace weir::server {

namespace {

std::optional<long> number_in(const char* name) {
  const char* text = std::getenv(name);
  if (text == nullptr) return std::nullopt;
  std::string_view digits = text;
  long number = 0;
  auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (problem != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return number;
}

}  // namespace

std::optional<Duration> Watchdog::period_from_environment() {
  std::optional<long> period = number_in("WATCHDOG_USEC");
  if (!period.has_value() || *period <= 0) return std::nullopt;
  std::optional<long> pid = number_in("WATCHDOG_PID");
  if (pid.has_value() && *pid != getpid()) return std::nullopt;
  return std::chrono::microseconds(*period);
}

Watchdog::Watchdog(net::Scheduler& scheduler, Log& log, unsigned workers, Duration period,
                   Hooks hooks)
    : scheduler_(scheduler),
      log_(log),
      period_(period),
      hooks_(std::move(hooks)),
      workers_(workers),
      last_tick_(scheduler.now()),
      tick_(net::Timer::bind<&Watchdog::on_tick>(this)) {
  on_tick();
}

void Watchdog::on_answer(unsigned worker) {
  workers_[worker].is_asked = false;
  if (!workers_[worker].is_silent) return;
  workers_[worker].is_silent = false;
  log_.info("a worker answers again", {{"worker", std::to_string(worker)}});
  hooks_.on_change();
}

std::optional<unsigned> Watchdog::silent_worker() const {
  auto found = std::find_if(workers_.begin(), workers_.end(),
                            [](const Worker& worker) { return worker.is_silent; });
  if (found == workers_.end()) return std::nullopt;
  return static_cast<unsigned>(found - workers_.begin());
}

void Watchdog::on_tick() {
  TimePoint now = scheduler_.now();
  forgive(now - last_tick_);
  last_tick_ = now;
  for (unsigned index = 0; index < workers_.size(); ++index) {
    Worker& worker = workers_[index];
    if (!worker.is_asked) {
      worker.is_asked = true;
      worker.asked_at = now;
      hooks_.ask(index);
    } else if (!worker.is_silent && now - worker.asked_at >= period_ / 2) {
      worker.is_silent = true;
      auto silence = std::chrono::duration_cast<std::chrono::milliseconds>(now - worker.asked_at);
      log_.error(
          "a worker does not answer: the watchdog gets no more pings",
          {{"worker", std::to_string(index)}, {"silent_ms", std::to_string(silence.count())}});
      hooks_.on_change();
    }
  }
  if (!silent_worker().has_value()) hooks_.ping();
  scheduler_.arm(tick_, period_ / 4);
}

// When this loop itself was late (a frozen machine, a long task) the answers wait in its mailbox.
void Watchdog::forgive(Duration delay) {
  if (delay < period_ / 2) return;
  for (Worker& worker : workers_) worker.asked_at = std::max(worker.asked_at, scheduler_.now());
}

}  // namespace weir::server
