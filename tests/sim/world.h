#pragma once
// One run: virtual time, the network, weir's proxy core, and the actors around it. A step is one
// event or one turn of weir's timers; after each, everything that must always hold is checked.
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/backend.h"
#include "sim/chance.h"
#include "sim/client.h"
#include "sim/ledger.h"
#include "sim/network.h"
#include "sim/trace.h"
#include "sim/virtual_time.h"
#include "weir/backend/backend_states.h"
#include "weir/backend/health_checker.h"
#include "weir/backend/pool.h"
#include "weir/base/log.h"
#include "weir/base/rng.h"
#include "weir/net/scheduler.h"
#include "weir/observe/metrics.h"
#include "weir/proxy/proxy.h"
#include "weir/wire/context.h"

namespace weir::sim {

class World {
 public:
  explicit World(Chance chance);
  ~World();

  // --- what it is made of; before serve() ---
  Chance chance;
  proxy::Settings settings;
  backend::PoolSpec pool;  // its backends are added by add_backend()
  // With a check in `pool`: when a reload takes it away again, so that the run can come to its end.
  Duration checks_until = std::chrono::seconds(30);
  std::size_t max_idle_total = 1024;
  SimBackend& add_backend(bool is_unix = false);
  // Makes the proxy. Every host goes to the one pool.
  void serve();

  // --- what happens in it ---
  SimClient& add_client(ClientPlan plan, Duration at = {});
  // `when` from now.
  void at(Duration when, std::function<void()> action) {
    events_.schedule(when, std::move(action));
  }
  // Publishes the pool anew, with the backends whose bit in `mask` is set.
  void reload(unsigned mask);
  // An administrator wants that of backend `index`. The proxy learns of it a little later.
  void set_admin(std::size_t index, backend::AdminState state);
  void begin_drain();
  void close_idle_clients();
  void cut_all();
  // The process ends here and now.
  void destroy_proxy();

  // False: nothing is left to happen, or the run has failed.
  bool step();
  // Until nothing is left to happen, then the last checks. The first complaint, or nothing.
  const std::string& run();
  // Until `when` after the start, without the last checks.
  void run_until(Duration when);

  proxy::Proxy& proxy() { return *proxy_; }
  SimBackend& backend(std::size_t index) { return *backends_[index]; }
  SimClient& client(std::size_t index) { return *clients_[index]; }
  // The request that was planned as the `index`th of all.
  Request& request(std::uint64_t index) { return *ledger.find(index); }
  observe::WorkerNumbers& numbers() { return numbers_; }
  Duration now() const { return clock_.since_start(); }
  std::uint64_t steps() const { return steps_; }
  const std::shared_ptr<backend::Backend>& shared_backend(std::size_t i) { return shared_[i]; }
  backend::BackendStates& states() { return *states_; }

 private:
  void check_step();
  void check_counts();
  void check_end();
  void check_choices();
  void note_turns();
  void publish(unsigned mask);
  void tell_standings();
  bool has_turn(std::size_t index) const;

  SimClock clock_;

 public:
  Trace trace{clock_};
  Ledger ledger{clock_, trace};

 private:
  EventQueue events_{clock_};
  Network network_{events_, chance, trace};
  net::Scheduler scheduler_{clock_};
  wire::Context context_{scheduler_};
  Rng rng_{0};
  Log log_;
  observe::WorkerNumbers numbers_;
  observe::SharedSeries series_{1, 1000};
  std::vector<std::shared_ptr<backend::Backend>> shared_;
  // Control's part, on the same loop.
  Rng control_rng_{0};
  backend::HealthChecker checker_{context_, network_, control_rng_, log_, 100};
  std::unique_ptr<backend::BackendStates> states_;
  unsigned mask_ = ~0u;
  // When it was last each backend's turn to get requests, when it was last usable, and how many
  // requests it had before this step.
  std::vector<TimePoint> had_turn_at_;
  std::vector<TimePoint> was_usable_at_;
  std::uint64_t retries_before_ = 0;
  std::vector<std::uint32_t> in_flight_before_;
  std::vector<std::unique_ptr<SimBackend>> backends_;
  std::vector<std::unique_ptr<SimClient>> clients_;
  std::unique_ptr<proxy::Proxy> proxy_;
  std::uint64_t steps_ = 0;
  std::uint64_t steps_at_once_ = 0;
  TimePoint counted_from_{};
  std::size_t connections_closed_ = 0;
  bool was_drained_ = false;
  bool was_destroyed_ = false;
};

}  // namespace weir::sim
