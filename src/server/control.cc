// Start.
#include "control.h"

#include <algorithm>
#include <csignal>

#include "machine.h"
#include "version.h"
#include "weir/base/version.h"
#include "weir/observe/exporter.h"

namespace weir::server {

Control::Control(const Clock& clock, Log& log, net::Loop& loop,
                 std::function<config::Loaded()> load, std::string config_file,
                 config::LastGoodFiles* last_good_files)
    : clock_(clock),
      log_(log),
      loop_(loop),
      load_(std::move(load)),
      config_file_(std::move(config_file)),
      last_good_files_(last_good_files),
      context_(loop.scheduler()),
      started_at_(clock.now()),
      service_(loop.scheduler(), [this] { return service_sentence(); }),
      round_timer_(net::Timer::bind<&Control::on_round_timer>(this)),
      rng_(random_seed()),
      changed_timer_(net::Timer::bind<&Control::tell_changed_pools>(this)),
      drain_timer_(net::Timer::bind<&Control::on_drain_deadline>(this)) {}

Control::~Control() {
  // What runs there uses the builder.
  loop_.end_background();
  if (last_good_ != nullptr) finish_state();
  for (const std::unique_ptr<Worker>& worker : group_.workers) worker->stop();
  admin_doors_.clear();
  // Who still waits hears that nothing comes, while there is somebody to say it.
  reload_waiters_.clear();
  next_reload_waiters_.clear();
  admin_.reset();
  backends_.reset();
  checker_.reset();
  loop_.scheduler().drain_retired();
  current_.reset();  // writes what is left of the access log
}

Status<StartError> Control::start() {
  // Their default action would end the process before it watches them.
  for (int signal : {SIGHUP, SIGUSR1, SIGUSR2}) std::signal(signal, SIG_IGN);
  auto version = std::make_shared<Version>();
  version->read(load_);
  unsigned wanted_workers =
      version->loaded.config.has_value() ? version->loaded.config->server.workers : 0;
  worker_count_ = wanted_workers > 0 ? wanted_workers : usable_processors();
  builder_ = std::make_unique<table::Builder>(worker_count_, random_seed());
  if (version->loaded.config.has_value()) read_last_good(*version);
  version->build(*builder_, Force::kNo);
  if (!version->errors.empty()) {
    std::string all;
    for (const config::Diagnostic& error : version->errors)
      all.append(all.empty() ? "" : "\n").append(error.text());
    return Err{StartError{std::move(all), 2}};
  }
  const config::Config& config = *version->loaded.config;
  log_.set_level(config.log.level);
  log_.set_format(config.log.format);
  log_.info("starting", {{"config", config_file_.empty() ? "built in" : config_file_}});
  Result<std::optional<User>> user = user_to_become(config.server.user);
  if (!user.ok()) return Err{StartError{user.error().message}};
  started_with_.server = config.server;
  say_warnings(version->loaded);
  say_quarantine(version->built);
  say_stale(version->built.tables->stale);
  current_ = version;
  open_files_ = raise_open_files();
  shares_ = share_descriptors(open_files_, worker_count_);
  group_.series = std::make_unique<observe::SharedSeries>(worker_count_, config.metrics.max_routes);
  take_inherited(config);
  if (std::optional<StartError> error = listen(config)) return Err{std::move(*error)};
  if (std::optional<Error> error = open_admin(config))
    return Err{StartError{std::move(error->message)}};
  if (std::optional<Error> error = prepare_state(*user))
    return Err{StartError{std::move(error->message)}};
  if (user->has_value())
    if (std::optional<Error> error = change_user(**user))
      return Err{StartError{std::move(error->message)}};
  if (std::optional<Error> error = keep_last_good())
    return Err{StartError{std::move(error->message)}};
  current_->settings = make_settings(config);
  if (std::optional<Error> error = open_access_log(*current_, nullptr))
    return Err{StartError{"weir: " + error->message}};
  if (std::optional<Error> error = start_workers(config))
    return Err{StartError{std::move(error->message)}};
  loop_.watch_signals({SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2},
                      [this](int signal) { on_signal(signal); });
  watch_files(*current_);
  state_ = admin::ServiceState::kReady;
  numbers_.last_reload_success_timestamp_seconds =
      std::chrono::duration<double>(clock_.wall().time_since_epoch()).count();
  say_ready();
  if (last_good_ != nullptr) last_good_->note_change();
  return Ok{};
}

std::optional<Error> Control::start_workers(const config::Config& config) {
  std::uint64_t needed = needed_descriptors(worker_count_, listeners_.sockets().size());
  if (open_files_ < needed)
    return Error{"weir: the open-files limit is too small: " + std::to_string(open_files_) + " (" +
                 std::to_string(worker_count_) + " workers need " + std::to_string(needed) +
                 " at least; raise ulimit -n or LimitNOFILE=)"};
  if (!loop_.prepare_background())
    return Error{"weir: no thread can be made for reloads (see the limits of tasks)"};
  group_.max_streams = shares_.streams;
  set_max_clients(config);
  for (unsigned index = 0; index < worker_count_; ++index)
    group_.workers.push_back(std::make_unique<Worker>(
        index, group_, clock_, log_, shares_.idle_backends_per_worker, random_seed()));
  start_backends();
  for (const std::unique_ptr<Worker>& worker : group_.workers)
    worker->start(current_->for_workers(), listeners_.doors());
  return std::nullopt;
}

// At start, and when a reload says something else. Above it nobody is turned away: accepting
// pauses.
void Control::set_max_clients(const config::Config& config) {
  std::uint64_t wanted = config.server.max_connections;
  std::uint64_t most = wanted > 0 ? std::min(wanted, shares_.clients) : shares_.clients;
  if (group_.max_clients.exchange(most, std::memory_order_relaxed) == most) return;
  if (wanted > shares_.clients)
    log_.warn("max_connections is more than the open-files limit allows",
              {{"max_connections", std::to_string(wanted)},
               {"limit", std::to_string(shares_.clients)},
               {"open_files", std::to_string(open_files_)}});
  log_.info("limits", {{"workers", std::to_string(worker_count_)},
                       {"max_connections", std::to_string(most)},
                       {"open_files", std::to_string(open_files_)}});
}

std::shared_ptr<const proxy::Settings> Control::make_settings(const config::Config& config) {
  auto settings = std::make_shared<proxy::Settings>();
  settings->server_name = config.server.name;
  settings->inbound.limits = {config.limits.request_line_bytes, config.limits.head_bytes,
                              config.limits.headers};
  settings->inbound.request_head = config.timeouts.request_head;
  settings->inbound.client_idle = config.timeouts.client_idle;
  settings->inbound.client_body = config.timeouts.client_body;
  settings->inbound.client_write = config.timeouts.client_write;
  settings->inbound.client_fin = config.timeouts.client_fin;
  settings->logs_requests = config.log.access.kind != config::AccessTarget::Kind::kOff;
  settings->logs_queries = config.log.query;
  if (!config.pages.empty()) settings->pages = std::make_shared<proxy::Pages>(config.pages);
  settings->listeners = listeners_.settings(config);
  return settings;
}

void Control::say_ready() {
  for (const Listeners::Socket& socket : listeners_.sockets())
    log_.info("listening",
              {{"listener", socket.claim.listener}, {"address", socket.socket->endpoint().text()}});
  log_.info("ready", {{"routes", std::to_string(current_->built.tables->routes->routes())},
                      {"pools", std::to_string(current_->pool_count)}});
  service_.say_ready();
  start_watchdog();
}

int Control::run() {
  loop_.run();
  return exit_code_;
}

}  // namespace weir::server
