#pragma once
// What Control knows of every backend beside its address: what an administrator wants of it, what
// health checks say, and since when. The one owner of both (DESIGN §5): workers get the verdict as
// Backend::standing() and are told which pools to look at again. Outlives reloads: the same pool
// and address keep everything. Control's loop only.
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/backend/health_checker.h"
#include "weir/backend/pool.h"
#include "weir/base/log.h"
#include "weir/base/time.h"

namespace weir::backend {

// What an administrator wants: kDrain gets no new requests and goes on being checked, kMaint is not
// checked either.
enum class AdminState : std::uint8_t { kReady, kDrain, kMaint };
std::string_view name_of(AdminState state);  // "ready", "drain", "maint"

enum class Health : std::uint8_t { kUnchecked, kUnknown, kUp, kDown };
std::string_view name_of(Health health);  // "unchecked", "unknown", "up", "down"

// One word for both owners of a backend's state: what an administrator wants counts first.
std::string_view state_word(AdminState admin, Health health);
// "up": all are usable, "degraded": some, "down": none, "empty": the pool has none.
std::string_view pool_state_word(std::size_t usable, std::size_t backends);

// One finished check.
struct CheckResult {
  WallTime at{};
  bool is_success = false;
  int status = 0;  // HTTP; 0: no answer, or a TCP check
  Duration latency{};
  std::string reason;  // "200", "connection refused", "timeout after 2s", "body without …"
};

// A copy for the admin interface.
struct BackendView {
  std::string address;
  AdminState admin = AdminState::kReady;
  std::string admin_by;  // who set it; empty: nobody did
  WallTime admin_since{};
  Health health = Health::kUnchecked;
  WallTime health_since{};
  std::string health_reason;  // of the last change: the check that decided
  bool is_usable = true;      // would get new requests (a backup: while nobody else is usable)
  bool is_backup = false;
  bool is_stale = false;  // its file has lost it (table::Stale); filled in by whoever knows
  unsigned weight = 1;
  std::uint32_t in_flight = 0;
  std::vector<CheckResult> checks;  // the last ten, newest first; one list per (address, check)
};
struct PoolView {
  std::string name;
  std::vector<BackendView> backends;
  std::size_t usable = 0;            // of the backends, backups included
  std::string_view state = "empty";  // pool_state_word()
};
struct StateTotal {
  std::string_view state;  // state_word()
  std::size_t backends = 0;
};
struct UnusablePool {
  std::string name;
  std::size_t backends = 0;
};

// Finished checks of a pool's backends since the pool is there. For metrics.
struct PoolChecks {
  std::string name;
  std::uint64_t succeeded = 0;
  std::uint64_t failed = 0;
};

class BackendStates {
 public:
  // Called with the pools whose backends changed standing, after Backend::standing() says so.
  using Changed = std::function<void(const std::vector<PoolId>&)>;
  // Both outlive it. Says in the log which backend goes down or comes back and why, and which pool
  // has none left.
  BackendStates(HealthChecker& checker, Log& log, Changed changed);
  ~BackendStates();

  // The pools that are served from now on. States of backends that stay are kept; a backend that is
  // new takes the state that was set for its machine by set_admin("*", …).
  void set_pools(std::shared_ptr<const PoolSet> pools, WallTime now);

  // `pool`: a name, or "*" for every pool. `address`: as in the table ("10.0.0.6:9004"), or without
  // port for all of a machine's. Returns how many backends match (those that were in that state
  // already included); 0: there is no such backend and nothing changed.
  std::size_t set_admin(std::string_view pool, std::string_view address, AdminState state,
                        std::string by, WallTime now);
  // Requests in flight at all backends that set_admin() would match, those of a reload's past
  // excluded.
  std::uint64_t in_flight(std::string_view pool, std::string_view address) const;

  // Of the pools with a backend that set_admin() would match: those whose backends are all down or
  // out of service.
  std::vector<UnusablePool> unusable_pools(std::string_view pool, std::string_view address) const;
  // The backends of all pools by their states, each word once.
  std::vector<StateTotal> state_totals() const;

  std::optional<PoolView> view(std::string_view pool) const;
  std::optional<PoolView> view(PoolId pool) const;
  std::vector<PoolView> view_all() const;
  // Of the pools whose backends are checked.
  std::vector<PoolChecks> checks() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace weir::backend
