#include "backend_state.h"

namespace weir::backend {

Standing BackendState::standing() const {
  if (admin_ == AdminState::kMaint || health_ == Health::kDown) return Standing::kOut;
  if (admin_ == AdminState::kDrain) return Standing::kDraining;
  return health_ == Health::kUnknown && !is_trusted_ ? Standing::kUnknown : Standing::kUsable;
}

void BackendState::set_admin(AdminState state, std::string by, WallTime now) {
  admin_ = state;
  admin_by_ = std::move(by);
  admin_since_ = now;
}

void BackendState::set_check(HealthChecker& checker,
                             std::shared_ptr<const config::HealthConfig> check, Trust trust,
                             WallTime now) {
  if (check == nullptr || admin_ == AdminState::kMaint) return forget_check(now);
  check_ = std::move(check);
  bool was_checked = subscription_.is_held();
  if (was_checked && is_same_check(subscription_.check(), *check_)) return;
  subscription_ = checker.subscribe(backend_->endpoint(), check_, *this);
  against_ = 0;
  if (was_checked) return;
  health_ = Health::kUnknown;
  health_since_ = now;
  is_trusted_ = trust == Trust::kServed;
  // Another pool may have asked for it long ago.
  if (std::vector<ProbeResult> known = subscription_.results(); !known.empty())
    judge(known.front());
}

void BackendState::forget_check(WallTime now) {
  subscription_.reset();
  check_ = nullptr;
  against_ = 0;
  health_reason_.clear();
  if (health_ == Health::kUnchecked) return;
  health_ = Health::kUnchecked;
  health_since_ = now;
}

void BackendState::on_check(const ProbeResult& result) {
  owner_.on_check(*this, result.is_success());
  Health before = health_;
  if (unsigned checks = judge(result); checks > 0) owner_.on_verdict(*this, before, checks);
}

// How many results in sequence made it the new verdict; 0: it is the old one.
unsigned BackendState::judge(const ProbeResult& result) {
  Health seen = result.is_success() ? Health::kUp : Health::kDown;
  if (seen == health_) {
    against_ = 0;
    return 0;
  }
  unsigned needed = health_ == Health::kUnknown ? 1
                    : result.is_success()       ? check_->rise
                                                : check_->fall;
  if (++against_ < needed) return 0;
  health_ = seen;
  health_since_ = result.at;
  health_reason_ = reason_of(result, *check_);
  is_trusted_ = false;
  return std::exchange(against_, 0u);
}

void BackendState::show(BackendView& view) const {
  view.admin = admin_;
  view.admin_by = admin_by_;
  view.admin_since = admin_since_;
  view.health = health_;
  view.health_since = health_since_;
  view.health_reason = health_reason_;
  if (!subscription_.is_held()) return;
  for (const ProbeResult& result : subscription_.results())
    view.checks.push_back({result.at, result.is_success(), result.status, result.latency(),
                           reason_of(result, subscription_.check())});
}

}  // namespace weir::backend
