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

}  // namespace weir::server
