#include "service_link.h"

#include <algorithm>
#include <cstdlib>

#include "notify.h"

namespace weir::server {

namespace {

constexpr Duration kStatusEvery = std::chrono::seconds(5);
constexpr Duration kExtendEvery = std::chrono::seconds(2);
constexpr Duration kExtendBy = std::chrono::seconds(10);

std::string microseconds(Duration value) {
  return std::to_string(std::chrono::duration_cast<std::chrono::microseconds>(value).count());
}

}  // namespace

ServiceLink::ServiceLink(net::Scheduler& scheduler, std::function<std::string()> sentence)
    : scheduler_(scheduler),
      sentence_(std::move(sentence)),
      is_wanted_(std::getenv("NOTIFY_SOCKET") != nullptr),
      tick_(net::Timer::bind<&ServiceLink::on_tick>(this)) {}

void ServiceLink::say_ready() {
  if (!is_wanted_ || phase_ == Phase::kStopping) return;
  phase_ = Phase::kServing;
  notify_service_manager("READY=1\n" + status_line());
  scheduler_.arm(tick_, kStatusEvery);
}

void ServiceLink::say_reloading() {
  if (!is_wanted_) return;
  // systemd knows by the time which READY=1 belongs to it.
  Duration since_boot = scheduler_.clock().now().time_since_epoch();
  notify_service_manager("RELOADING=1\nMONOTONIC_USEC=" + microseconds(since_boot) +
                         "\nSTATUS=reloading");
}

void ServiceLink::say_stopping() {
  if (!is_wanted_) return;
  phase_ = Phase::kStopping;
  notify_service_manager("STOPPING=1");
  on_tick();
}

void ServiceLink::say_status() {
  if (!is_wanted_ || phase_ == Phase::kStarting) return;
  std::string before = last_sentence_;
  std::string line = status_line();
  if (last_sentence_ != before) notify_service_manager(line);
}

std::string ServiceLink::status_line() {
  last_sentence_ = sentence_();
  // A line break would begin another variable.
  std::replace(last_sentence_.begin(), last_sentence_.end(), '\n', ' ');
  return "STATUS=" + last_sentence_;
}

void ServiceLink::on_tick() {
  if (phase_ != Phase::kStopping) {
    say_status();
    scheduler_.arm(tick_, kStatusEvery);
    return;
  }
  notify_service_manager("EXTEND_TIMEOUT_USEC=" + microseconds(kExtendBy) + "\n" + status_line());
  scheduler_.arm(tick_, kExtendEvery);
}

}  // namespace weir::server
