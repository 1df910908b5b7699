// What makes the process a service: sockets that are passed, the user that it becomes,
// what it tells the service manager.
#include <algorithm>

#include "control.h"
#include "machine.h"
#include "notify.h"
#include "version.h"

namespace weir::server {

namespace {

std::string count_text(std::uint64_t number, const char* noun) {
  return std::to_string(number) + " " + noun + (number == 1 ? "" : "s");
}

}  // namespace

void Control::take_inherited(const config::Config& config) {
  inherited_ = InheritedSockets::from_environment(log_);
  std::vector<InheritedSockets::Wanted> wanted;
  for (const config::ListenerConfig& listener : config.listeners)
    for (const config::BindAddress& bind : listener.bind) wanted.push_back({listener.name, &bind});
  for (const config::BindAddress& bind : config.admin.bind) wanted.push_back({"admin", &bind});
  for (const config::BindAddress& bind : config.metrics.bind) wanted.push_back({"metrics", &bind});
  inherited_.match(std::move(wanted), log_);
}

// After binding, before any thread exists.
std::optional<Error> Control::change_user(const User& user) {
  for (const Listeners::Socket& listener : listeners_.sockets()) {
    const net::ListeningSocket& socket = *listener.socket;
    if (!socket.endpoint().is_unix() || socket.is_inherited()) continue;
    Status<> given = give_to(user, socket.endpoint().unix_path);
    if (!given.ok()) return given.error();
  }
  Status<> become = become_user(user);
  if (!become.ok()) return become.error();
  log_.info(
      "became another user",
      {{"user", user.name}, {"uid", std::to_string(user.uid)}, {"gid", std::to_string(user.gid)}});
  const config::Loaded& loaded = current_->loaded;
  for (const std::string& path : unreadable(loaded.files, loaded.globs))
    log_.warn("the user cannot read this, so no reload will succeed",
              {{"user", user.name}, {"path", path}});
  return std::nullopt;
}

// Before the first build. Files that do not parse are read once more, as they were when they did.
void Control::read_last_good(Version& version) {
  state_folder_ = last_good_files_ == nullptr ? StateFolder{}
                                              : find_state_folder(*version.loaded.config);
  if (state_folder_.path.empty()) return;
  auto make = [this] { return std::make_unique<table::Builder>(worker_count_, random_seed()); };
  begin_with_last_good(state_folder_, make, builder_, *last_good_files_, log_);
  bool has_unread = std::any_of(version.loaded.quarantined.begin(),
                                version.loaded.quarantined.end(), [](const auto& entry) {
                                  return entry.entry == config::EntryKind::kFile;
                                });
  if (has_unread && !last_good_files_->files.empty()) version.read(load_);
}

// A folder that the administrator did not choose weir can do without.
std::optional<Error> Control::prepare_state(const std::optional<User>& user) {
  if (state_folder_.path.empty()) return std::nullopt;
  Status<> prepared = prepare_state_folder(state_folder_, user);
  if (prepared.ok()) return std::nullopt;
  if (state_folder_.is_configured) return prepared.error();
  log_.warn("nothing persists", {{"error", prepared.error().message}});
  state_folder_ = {};
  return std::nullopt;
}

// As the user that weir is from now on.
std::optional<Error> Control::keep_last_good() {
  if (state_folder_.path.empty()) return std::nullopt;
  Status<> usable = check_state_folder(state_folder_);
  if (!usable.ok() && state_folder_.is_configured) return usable.error();
  if (!usable.ok()) {
    log_.warn("nothing persists", {{"error", usable.error().message}});
    return std::nullopt;
  }
  last_good_ = std::make_unique<LastGoodKeeper>(loop_, log_, state_folder_.table_file(), *builder_,
                                                *last_good_files_);
  return std::nullopt;
}

void Control::start_watchdog() {
  std::optional<Duration> period = Watchdog::period_from_environment();
  if (!period.has_value()) return;
  Watchdog::Hooks hooks;
  hooks.ask = [this](unsigned index) {
    group_.workers[index]->ask(
        [this, index] { loop_.post([this, index] { watchdog_->on_answer(index); }); });
  };
  hooks.ping = [] { notify_service_manager("WATCHDOG=1"); };
  hooks.on_change = [this] { service_.say_status(); };
  watchdog_ =
      std::make_unique<Watchdog>(loop_.scheduler(), log_, worker_count_, *period, std::move(hooks));
}

// For systemctl status.
std::string Control::service_sentence() const {
  std::string connections =
      count_text(group_.open_clients.load(std::memory_order_relaxed), "connection");
  if (state_ == admin::ServiceState::kDraining) {
    observe::WorkerNumbers sum;
    for (const std::unique_ptr<Worker>& worker : group_.workers) sum.add(worker->numbers());
    return "draining: " + connections + ", " + count_text(sum.requests_in_flight(), "request") +
           " in flight";
  }
  std::string text;
  if (watchdog_ != nullptr && watchdog_->silent_worker().has_value())
    text = "worker " + std::to_string(*watchdog_->silent_worker()) + " does not answer; ";
  if (out_of_service_.has_value()) text += "out of service by " + out_of_service_->by + "; ";
  if (last_reload_ && last_reload_->result == observe::ReloadResult::kFailure)
    text += "the last reload failed (" + last_reload_->message + "); ";
  return text + "serving " + count_text(current_->built.tables->routes->routes(), "route") +
         " to " + count_text(current_->pool_count, "pool") + ", " + connections;
}

}  // namespace weir::server
