// The end of the process in its two phases (CONTRACT §1, Drain).
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "control.h"
#include "version.h"

namespace weir::server {

void Control::begin_drain(int signal) {
  std::string name = sigabbrev_np(signal) == nullptr ? "?" : sigabbrev_np(signal);
  if (state_ == admin::ServiceState::kDraining) {
    log_.warn("a second signal: exiting at once", {{"signal", name}});
    std::_Exit(1);
  }
  state_ = admin::ServiceState::kDraining;
  out_of_service_ = admin::DrainStatus{name, clock_.wall(), true};
  watcher_.reset();
  pending_reload_.reset();
  refuse_next_reload();
  const config::ServerConfig& server = current_->loaded.config->server;
  drain_timeout_ = server.drain_timeout;
  log_.info("draining",
            {{"signal", name},
             {"connections", std::to_string(group_.open_clients.load(std::memory_order_relaxed))}});
  service_.say_stopping();
  // Clients whose first bytes the kernel waits for shall get to the queue before it closes.
  for (const BoundListener& door : listeners_.doors()) door.socket->stop_deferring();
  for (const std::unique_ptr<Worker>& worker : group_.workers) worker->begin_drain();
  if (server.drain_notice > Duration::zero()) {
    loop_.scheduler().arm(drain_timer_, server.drain_notice);
  } else {
    finish_drain();
  }
}

// Phase two. The workers' duplicates keep the sockets listening until each has taken what is
// queued.
void Control::finish_drain() {
  is_in_second_phase_ = true;
  listeners_.close_for_clients();
  open_workers_ = undrained_ = worker_count_;
  for (const std::unique_ptr<Worker>& worker : group_.workers)
    worker->close_doors([this] { loop_.post([this] { on_doors_closed(); }); });
  loop_.scheduler().arm(drain_timer_, drain_timeout_);
}

// From here on no worker gets a client from another one.
void Control::on_doors_closed() {
  if (--open_workers_ > 0) return;
  for (const std::unique_ptr<Worker>& worker : group_.workers)
    worker->finish_drain([this] { loop_.post([this] { on_worker_drained(); }); });
}

void Control::on_drain_deadline() {
  if (!is_in_second_phase_) {
    finish_drain();
    return;
  }
  log_.warn("drain_timeout is over, what is left is cut",
            {{"connections", std::to_string(group_.open_clients.load(std::memory_order_relaxed))}});
  for (const std::unique_ptr<Worker>& worker : group_.workers) worker->cut();
}

void Control::on_worker_drained() {
  if (--undrained_ > 0) return;
  drain_timer_.cancel();
  log_.info("stopped");
  exit_code_ = 0;
  loop_.stop();
}

}  // namespace weir::server
