#pragma once
// What weir tells the service manager over its life (sd_notify(3)): ready, reloading, stopping, a
// sentence for `systemctl status`, and during a drain that it takes longer. Without $NOTIFY_SOCKET
// it says nothing and costs nothing. Lives on Control's loop, with Control.
#include <functional>
#include <string>

#include "weir/base/time.h"
#include "weir/net/scheduler.h"
#include "weir/net/timer.h"

namespace weir::server {

class ServiceLink {
 public:
  // `sentence` says in one line how weir is; asked at every change and every few seconds.
  ServiceLink(net::Scheduler& scheduler, std::function<std::string()> sentence);

  // At the end of the start and of each reload, failed ones too: it goes on serving.
  void say_ready();
  void say_reloading();
  // From now on the manager is told every few seconds to wait on: a drain may take longer than its
  // patience, and what hangs is still ended.
  void say_stopping();
  // The sentence, if it has changed.
  void say_status();

 private:
  enum class Phase { kStarting, kServing, kStopping };
  std::string status_line();
  void on_tick();

  net::Scheduler& scheduler_;
  std::function<std::string()> sentence_;
  bool is_wanted_;
  Phase phase_ = Phase::kStarting;
  std::string last_sentence_;
  net::Timer tick_;
};

}  // namespace weir::server
