#pragma once
// What Control knows of one backend of one pool: what an administrator wants, what checks say, and
// the standing that follows. The first result of a backend that nothing is known of decides at
// once; after that `rise` successes or `fall` failures in sequence change the verdict. A changed
// check keeps the verdict until it overturns it in the same way: a slip in its path takes nobody
// down at the first answer.
#include <memory>
#include <string>

#include "weir/backend/backend_states.h"
#include "weir/backend/health_checker.h"
#include "weir/backend/pool.h"

namespace weir::backend {

class BackendState;

class VerdictListener {
 public:
  virtual void on_check(BackendState& state, bool is_success) = 0;
  // `checks`: how many results in sequence decided it.
  virtual void on_verdict(BackendState& state, Health before, unsigned checks) = 0;

 protected:
  ~VerdictListener() = default;
};

class BackendState final : private CheckListener {
 public:
  BackendState(VerdictListener& owner, PoolId pool, std::shared_ptr<Backend> backend)
      : owner_(owner), pool_(pool), backend_(std::move(backend)) {}

  PoolId pool() const { return pool_; }
  Backend& backend() const { return *backend_; }
  AdminState admin() const { return admin_; }
  bool was_set() const { return !admin_by_.empty(); }
  Health health() const { return health_; }
  const std::string& health_reason() const { return health_reason_; }
  Standing standing() const;
  void show(BackendView& view) const;

  void set_admin(AdminState state, std::string by, WallTime now);
  // kServed: it got requests up to now, without checks; it goes on being used until they tell.
  enum class Trust : std::uint8_t { kNew, kServed };
  // The check that the pool wants (null: none), after set_admin(): in maintenance none is made, and
  // what was known before is of no use afterwards. Tells nobody of what it finds out at once.
  void set_check(HealthChecker& checker, std::shared_ptr<const config::HealthConfig> check,
                 Trust trust, WallTime now);

 private:
  void on_check(const ProbeResult& result) override;
  void forget_check(WallTime now);
  unsigned judge(const ProbeResult& result);

  VerdictListener& owner_;
  PoolId pool_;
  std::shared_ptr<Backend> backend_;
  AdminState admin_ = AdminState::kReady;
  std::string admin_by_;
  WallTime admin_since_{};
  Health health_ = Health::kUnchecked;
  WallTime health_since_{};
  std::string health_reason_;
  bool is_trusted_ = false;  // while unknown
  unsigned against_ = 0;     // results in sequence that speak against the verdict
  std::shared_ptr<const config::HealthConfig> check_;
  HealthChecker::Subscription subscription_;
};

}  // namespace weir::backend
