// What Control knows of backends, and how workers learn of it.
#include <algorithm>

#include "control.h"
#include "version.h"

namespace weir::server {

namespace {

// Changes of this long go to the workers together: thousands of backends may get their first
// verdict in one second.
constexpr Duration kTellAfter = std::chrono::milliseconds(5);

}  // namespace

// The first checks begin with the loop's first turn; nobody waits for them.
void Control::start_backends() {
  checker_ = std::make_unique<backend::HealthChecker>(context_, loop_.connector(), rng_, log_,
                                                      shares_.checks);
  backends_ = std::make_unique<backend::BackendStates>(
      *checker_, log_,
      [this](const std::vector<backend::PoolId>& pools) { note_changed_pools(pools); });
  backends_->set_pools(current_->built.tables->pools, clock_.wall());
  if (last_good_ != nullptr) repeat_orders();
}

// What an administrator took out of service before the restart is out of it still.
void Control::repeat_orders() {
  Result<AdminOrders> orders = read_orders(state_folder_.orders_file());
  if (!orders.ok())
    return log_.error("states of backends are not what they were before the restart",
                      {{"error", orders.error().message}});
  std::size_t matched = 0;
  for (const AdminOrder& order : orders->all()) {
    std::size_t count =
        backends_->set_admin(order.pool, order.address, order.state, order.by, order.since);
    if (count == 0) continue;  // it is not there any more
    if (order.state != backend::AdminState::kReady) matched += count;
    orders_.add(order);
  }
  if (matched > 0)
    log_.info("backends are out of service as before the restart",
              {{"backends", std::to_string(matched)}});
}

void Control::keep_order(AdminOrder order) {
  if (last_good_ == nullptr) return;
  orders_.add(std::move(order));
  ++unwritten_orders_;
  auto written = std::make_shared<Status<>>(Ok{});
  loop_.run_in_background(
      [written, file = state_folder_.orders_file(), orders = orders_] {
        *written = write_orders(file, orders);
      },
      [this, written] {
        --unwritten_orders_;
        if (!written->ok())
          log_.error("a restart will not know the states of backends",
                     {{"error", written->error().message}});
      });
}

void Control::note_changed_pools(const std::vector<backend::PoolId>& pools) {
  changed_pools_.insert(changed_pools_.end(), pools.begin(), pools.end());
  if (!changed_timer_.is_armed()) loop_.scheduler().arm(changed_timer_, kTellAfter);
}

void Control::tell_changed_pools() {
  std::sort(changed_pools_.begin(), changed_pools_.end());
  changed_pools_.erase(std::unique(changed_pools_.begin(), changed_pools_.end()),
                       changed_pools_.end());
  auto pools =
      std::make_shared<const std::vector<backend::PoolId>>(std::exchange(changed_pools_, {}));
  for (const std::unique_ptr<Worker>& worker : group_.workers) worker->look_again(pools);
}

// When nothing runs in the background any more.
void Control::finish_state() {
  last_good_->finish();
  if (unwritten_orders_ == 0) return;
  Status<> written = write_orders(state_folder_.orders_file(), orders_);
  if (!written.ok())
    log_.error("a restart will not know the states of backends",
               {{"error", written.error().message}});
}

}  // namespace weir::server
