#pragma once
// Control: the main thread. Knows the world (configuration, files, signals) and publishes it to the
// workers; serves the admin interface; ends the process. A start may fail; a reload never takes
// anything down.
//
// control.cc: start · control_listeners.cc: listening, from reload to reload ·
// control_doors.cc, control_admin.cc: the admin interface · control_tables.cc: the table in pages ·
// control_service.cc: user and service manager · control_backends.cc: what it knows of backends ·
// control_reload.cc: reloads · control_drain.cc: the end.
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "admin_door.h"
#include "admin_orders.h"
#include "inherited.h"
#include "last_good.h"
#include "listeners.h"
#include "machine.h"
#include "privileges.h"
#include "service_link.h"
#include "watchdog.h"
#include "weir/admin/admin_server.h"
#include "weir/admin/admin_source.h"
#include "weir/backend/backend_states.h"
#include "weir/base/log.h"
#include "weir/config/load.h"
#include "weir/net/file_watcher.h"
#include "weir/net/listener.h"
#include "weir/net/loop.h"
#include "weir/table/build.h"
#include "weir/wire/context.h"
#include "worker.h"

namespace weir::server {

// Why a start failed, for stderr: all errors, a line each, and the process's exit code.
struct StartError {
  std::string message;
  int exit_code = 1;  // 2: the configuration is invalid
};

class Control final : private admin::AdminSource {
 public:
  // `load`: reads the configuration (again); called on the builder thread, too. `watches`: whether
  // files are behind it.
  // `last_good_files`: what `load` remembers of files; may be null, then nothing persists.
  Control(const Clock& clock, Log& log, net::Loop& loop, std::function<config::Loaded()> load,
          std::string config_file, config::LastGoodFiles* last_good_files = nullptr);
  ~Control() override;

  // Loads the first configuration, binds, starts the workers, says "listening" and "ready".
  Status<StartError> start();
  // Runs the loop until the process shall end; returns its exit code.
  int run();

  // Where clients (administrators) connect, first of all; after start().
  std::string first_address(Use use) const;

 private:
  struct Version;  // one configuration with its table, while workers may use it

  // start
  void take_inherited(const config::Config& config);
  // listeners
  std::optional<StartError> listen(const config::Config& config);
  Result<net::ListeningSocket> open_socket(const config::BindAddress& bind,
                                           net::ListenOptions options);
  void adopt_sockets(SocketPlan plan);
  void change_doors();
  void on_doors_changed();
  void renew_admin_doors();
  void set_max_clients(const config::Config& config);
  // admin
  std::optional<Error> open_admin(const config::Config& config);
  std::optional<Error> change_user(const User& user);
  void read_last_good(Version& version);
  std::optional<Error> prepare_state(const std::optional<User>& user);
  std::optional<Error> keep_last_good();
  std::optional<Error> start_workers(const config::Config& config);
  std::shared_ptr<const proxy::Settings> make_settings(const config::Config& config);
  void say_warnings(const config::Loaded& loaded);
  void say_quarantine(const table::Builder::Built& built);
  void say_stale(const table::Stale& stale);
  std::optional<Error> open_access_log(Version& version, const Version* before);
  void reopen_logs();
  void say_ready();
  void start_watchdog();
  std::string service_sentence() const;
  // reload
  void on_signal(int signal);
  using Force = table::Builder::Force;
  void reload(std::string cause, Force force = Force::kNo);
  void on_loaded(std::shared_ptr<Version> version);
  void refuse_reload(const std::vector<config::Diagnostic>& errors);
  void publish(std::shared_ptr<Version> version);
  void on_published(std::shared_ptr<Version> version);
  void finish_publication();
  void finish_reload(observe::ReloadResult result, std::string message,
                     const Result<admin::ReloadReport, admin::Refusal>& report);
  void end_reload();
  void refuse_next_reload();
  void retain_series();
  admin::ReloadReport report_of(const Version& version) const;
  void watch_files(const Version& version);
  void free_in_background(std::shared_ptr<Version> version);
  // backends
  void start_backends();
  void repeat_orders();
  void keep_order(AdminOrder order);
  void finish_state();
  void note_changed_pools(const std::vector<backend::PoolId>& pools);
  void tell_changed_pools();
  // admin
  std::shared_ptr<const admin::Access> make_access(const config::Config& config) const;
  void renew_access(const config::Config& config);
  void tell_reload_waiters(const Result<admin::ReloadReport, admin::Refusal>& report);
  // Returns the requests in flight at those that are removed now.
  std::uint64_t remember_removed(const table::Tables& before, const table::Tables& after);
  // Calls `done` with the number of workers that kept silent once each was asked; they end their
  // turns by end_turn().
  std::uint64_t begin_round(std::function<void(unsigned)> done);
  void end_turn(std::uint64_t round);
  void on_round_timer();
  // `done` when every worker has done what was asked of it before.
  void when_workers_follow(std::function<void(unsigned)> done);
  // drain
  void begin_drain(int signal);
  void finish_drain();
  void on_drain_deadline();
  void on_doors_closed();
  void on_worker_drained();

  // admin::AdminSource
  admin::ServiceState state() const override;
  admin::Status status() const override;
  std::string metrics() const override;
  backend::PoolView with_stale(backend::PoolView pool) const;
  std::vector<backend::PoolView> pools() const override;
  std::optional<backend::PoolView> pool(std::string_view name) const override;
  Result<admin::RoutesView, admin::Refusal> routes(const admin::RoutesQuery& query) const override;
  Result<admin::PoolSettingsView, admin::Refusal> pool_settings(
      const admin::PoolSettingsQuery& query) const override;
  void requests(std::size_t limit, admin::Done<admin::RequestsView> done) override;
  void explain(const admin::ExplainQuery& query, admin::Done<admin::ExplainView> done) override;
  void reload(const std::string& by, Force force, admin::Done<admin::ReloadReport> done) override;
  void set_in_service(bool is_in_service, const std::string& by, admin::Done<Ok> done) override;
  void set_backend(const std::string& pool, const std::string& address, backend::AdminState state,
                   const std::string& by, admin::Done<admin::SetReport> done) override;
  void audit(const admin::AuditEntry& entry) override;

  const Clock& clock_;
  Log& log_;
  net::Loop& loop_;
  std::function<config::Loaded()> load_;
  std::string config_file_;
  config::LastGoodFiles* last_good_files_;
  wire::Context context_;
  TimePoint started_at_;
  admin::ServiceState state_ = admin::ServiceState::kStarting;
  ServiceLink service_;
  std::unique_ptr<Watchdog> watchdog_;  // only if the service manager wants one

  InheritedSockets inherited_;
  Listeners listeners_;
  Listeners::Change door_change_;  // what workers have yet to be told
  std::shared_ptr<const admin::Access> access_;
  std::unique_ptr<admin::AdminServer> admin_;
  std::map<std::uint64_t, std::unique_ptr<AdminDoor>> admin_doors_;  // by Listeners::Socket::id
  struct Round {
    unsigned left = 0;  // workers that have not answered
    TimePoint until{};
    std::function<void(unsigned)> done;
  };
  std::map<std::uint64_t, Round> rounds_;
  std::uint64_t last_round_ = 0;
  net::Timer round_timer_;
  WorkerGroup group_;
  unsigned worker_count_ = 1;
  std::uint64_t open_files_ = 0;
  DescriptorShares shares_;

  std::unique_ptr<table::Builder> builder_;  // the builder thread's after start
  std::string said_stale_;                   // in the log, last
  StateFolder state_folder_;
  std::unique_ptr<LastGoodKeeper> last_good_;  // null: nothing persists
  AdminOrders orders_;                         // of it
  unsigned unwritten_orders_ = 0;              // writes that are not over
  observe::DroppedLines dropped_lines_ = std::make_shared<std::atomic<std::uint64_t>>();
  std::shared_ptr<Version> current_;
  config::Config started_with_;  // its server: what only a start applies
  std::unique_ptr<net::FileWatcher> watcher_;
  bool is_reloading_ = false;
  std::optional<std::string> pending_reload_;  // its cause
  Force pending_force_ = Force::kNo;
  std::string reload_cause_;
  std::vector<admin::Done<admin::ReloadReport>> reload_waiters_;       // for the one under way
  std::vector<admin::Done<admin::ReloadReport>> next_reload_waiters_;  // for the one after it
  // By reloads; those that nobody holds any more are gone.
  std::vector<std::weak_ptr<const backend::Backend>> removed_backends_;
  unsigned unpublished_ = 0;  // workers that have not answered yet
  std::optional<admin::ReloadStatus> last_reload_;
  std::optional<admin::ReloadStatus> last_change_;  // the last one with something new
  std::vector<admin::RestartKey> pending_restart_;
  observe::ProcessNumbers numbers_;

  // Its pools are those of the newest version, which workers may not have yet.
  Rng rng_;
  std::unique_ptr<backend::HealthChecker> checker_;
  std::unique_ptr<backend::BackendStates> backends_;
  std::vector<backend::PoolId> changed_pools_;  // the workers have not been told yet
  net::Timer changed_timer_;

  std::optional<admin::DrainStatus> out_of_service_;
  net::Timer drain_timer_;
  Duration drain_timeout_{};
  unsigned open_workers_ = 0;  // whose doors are not closed yet
  unsigned undrained_ = 0;
  bool is_in_second_phase_ = false;
  int exit_code_ = 0;
};

}  // namespace weir::server
