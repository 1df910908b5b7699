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

 private:
  void check_step();
  void check_counts();
  void check_end();
  void publish(unsigned mask);

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
  observe::WorkerNumbers numbers_{1};
  observe::SharedSeries series_{1, 1000};
  std::vector<std::shared_ptr<backend::Backend>> shared_;
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
