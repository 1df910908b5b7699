// Reloads: read and build on the builder thread, publish to every worker, free the old version off
// every loop. Whatever goes wrong, the old version goes on being served.
#include <csignal>
#include <utility>

#include "control.h"
#include "restart_keys.h"
#include "version.h"

namespace weir::server {

namespace {

constexpr std::string_view kFileChange = "file change";

// All values in effect that are not entries of the table.
std::vector<std::string> settings_of(const config::Loaded& loaded) {
  std::vector<std::string> values;
  if (loaded.config.has_value())
    for (const config::AdminToken& token : loaded.config->admin.tokens)
      values.push_back("token " + token.name + ":" + token.secret);
  for (const config::DumpLine& line : loaded.dump)
    if (!line.section.starts_with("pool") && !line.section.starts_with("route["))
      values.push_back(line.section + "." + line.key + "=" + line.value);
  return values;
}

// Their paths are among the settings; this is about what the files say.
bool has_new_pages(const config::Loaded& before, const config::Loaded& after) {
  return before.config.has_value() && after.config.has_value() &&
         before.config->pages != after.config->pages;
}

// "11:15:45Z (file change: pool web changed)"; with the day when that is not today.
std::string text_of(const admin::ReloadStatus& change, WallTime now) {
  std::string at, today;
  append_rfc3339(at, change.at);
  append_rfc3339(today, now);
  at = at.substr(0, at.find('.')) + "Z";
  std::size_t day = at.find('T') + 1;
  if (today.starts_with(std::string_view(at).substr(0, day))) at.erase(0, day);
  return at + " (" + change.cause + ": " + change.message + ")";
}

}  // namespace

void Control::on_signal(int signal) {
  switch (signal) {
    case SIGHUP:
      reload("HUP");
      return;
    case SIGUSR1:
      reopen_logs();
      return;
    case SIGUSR2:
      log_.warn("USR2 (replace the binary) is not available in this version");
      return;
    default:
      begin_drain(signal);
      return;
  }
}

void Control::reload(std::string cause, Force force) {
  if (state_ == admin::ServiceState::kDraining) return;
  if (is_reloading_) {
    pending_reload_ = std::move(cause);
    if (force == Force::kYes) pending_force_ = force;
    return;
  }
  is_reloading_ = true;
  reload_cause_ = std::move(cause);
  service_.say_reloading();
  auto version = std::make_shared<Version>();
  loop_.run_in_background(
      [this, version, force, before = current_, open = listeners_.open_sockets()] {
        version->read(load_);
        // What the machine refuses comes before the builder, which remembers what it builds.
        if (version->loaded.config.has_value()) {
          if (std::optional<Error> error = open_access_log(*version, before.get()))
            version->errors.push_back({{config_file_, 0, 0}, error->message});
          version->sockets = plan_sockets(
              *version->loaded.config, open,
              [this](const auto& bind, const auto& options) { return open_socket(bind, options); });
          for (SocketProblem& problem : version->sockets.problems)
            version->errors.push_back({problem.place, std::move(problem.message)});
        }
        if (!version->errors.empty()) {
          version->sockets = {};  // nobody shall come to them
          return;
        }
        version->build(*builder_, force);
        version->has_new_settings = settings_of(before->loaded) != settings_of(version->loaded) ||
                                    has_new_pages(before->loaded, version->loaded);
      },
      [this, version] { on_loaded(version); });
}

void Control::on_loaded(std::shared_ptr<Version> version) {
  if (state_ == admin::ServiceState::kDraining) {
    is_reloading_ = false;
    return tell_reload_waiters(
        Err{admin::Refusal{409, "ending", "weir is about to end: the old table stays"}});
  }
  // Also files that are not there yet, so that the one that repairs it is noticed.
  watch_files(*version);
  if (!version->errors.empty()) {
    refuse_reload(version->errors);
    free_in_background(std::move(version));
    return;
  }
  bool is_news = !version->built.difference.is_empty() || version->has_new_settings ||
                 version->built.has_new_quarantine || version->built.has_new_stale;
  if (!is_news && reload_cause_ == kFileChange && reload_waiters_.empty() &&
      numbers_.was_last_reload_successful) {
    // A touched file, or one that was written while weir read it.
    log_.debug("files were touched, nothing changed");
    free_in_background(std::move(version));
    return end_reload();
  }
  adopt_sockets(std::move(version->sockets));
  version->settings = make_settings(*version->loaded.config);
  publish(std::move(version));
}

void Control::refuse_reload(const std::vector<config::Diagnostic>& errors) {
  std::string all;
  for (const config::Diagnostic& error : errors) {
    log_.error("the configuration has an error",
               {{"place", error.place.text()}, {"error", error.message}});
    all.append(all.empty() ? "" : "\n").append(error.text());
  }
  std::string message = errors.empty()
                            ? "the configuration cannot be read"
                            : errors.front().place.text() + ": " + errors.front().message;
  log_.error("reload failed, the old table stays",
             {{"cause", reload_cause_}, {"errors", std::to_string(errors.size())}});
  numbers_.was_last_reload_successful = false;
  ++numbers_.reloads_failed;
  finish_reload(observe::ReloadResult::kFailure, message,
                Err{admin::Refusal{422, "invalid_configuration", all.empty() ? message : all}});
}

void Control::publish(std::shared_ptr<Version> version) {
  unpublished_ = worker_count_;
  // Before any worker sees a new backend it is known whether that gets requests.
  backends_->set_pools(version->built.tables->pools, clock_.wall());
  for (const std::unique_ptr<Worker>& worker : group_.workers)
    worker->publish(version->for_workers(), [this, version] {
      loop_.post([this, version] {
        if (--unpublished_ == 0) on_published(version);
      });
    });
}

void Control::on_published(std::shared_ptr<Version> version) {
  std::shared_ptr<Version> old = std::move(current_);
  current_ = std::move(version);
  renew_access(*current_->loaded.config);
  const table::Difference& difference = current_->built.difference;
  if (difference.backends_added + difference.backends_removed > 0)
    current_->removed_in_flight =
        remember_removed(*old->built.tables, *current_->built.tables);
  free_in_background(std::move(old));
  change_doors();
}

void Control::finish_publication() {
  set_max_clients(*current_->loaded.config);
  say_warnings(current_->loaded);
  say_quarantine(current_->built);
  say_stale(current_->built.tables->stale);
  pending_restart_ = keys_for_restart(started_with_, *current_->loaded.config);
  for (const admin::RestartKey& key : pending_restart_)
    log_.warn("a change takes effect at the next start only",
              {{"what", key.key + " " + key.change}});
  log_.set_level(current_->loaded.config->log.level);
  log_.set_format(current_->loaded.config->log.format);
  drain_timeout_ = current_->loaded.config->server.drain_timeout;
  if (last_good_ != nullptr) last_good_->note_change();
  retain_series();
  admin::ReloadReport report = report_of(*current_);
  std::string what = admin::report_text(report);
  log_.info("reloaded", {{"cause", reload_cause_},
                         {"generation", std::to_string(current_->built.tables->generation)},
                         {"changed", what}});
  numbers_.was_last_reload_successful = true;
  numbers_.last_reload_success_timestamp_seconds =
      std::chrono::duration<double>(clock_.wall().time_since_epoch()).count();
  bool is_unchanged = current_->built.difference.is_empty() && !current_->has_new_settings;
  ++(is_unchanged ? numbers_.reloads_unchanged : numbers_.reloads_succeeded);
  finish_reload(is_unchanged ? observe::ReloadResult::kUnchanged : observe::ReloadResult::kSuccess,
                what, report);
}

void Control::finish_reload(observe::ReloadResult result, std::string message,
                            const Result<admin::ReloadReport, admin::Refusal>& report) {
  last_reload_ = {clock_.wall(), result, std::move(message), reload_cause_};
  if (result == observe::ReloadResult::kSuccess) last_change_ = last_reload_;
  tell_reload_waiters(report);
  end_reload();
}

void Control::end_reload() {
  is_reloading_ = false;
  if (state_ == admin::ServiceState::kDraining) return;
  service_.say_ready();
  if (!pending_reload_.has_value()) return;
  std::string cause = std::move(*pending_reload_);
  pending_reload_.reset();
  reload_waiters_ = std::exchange(next_reload_waiters_, {});
  reload(std::move(cause), std::exchange(pending_force_, Force::kNo));
}

// A large table takes its time to free.
void Control::free_in_background(std::shared_ptr<Version> version) {
  loop_.run_in_background([version = std::move(version)]() mutable { version.reset(); }, [] {});
}

admin::ReloadReport Control::report_of(const Version& version) const {
  admin::ReloadReport report;
  report.generation = version.built.tables->generation;
  report.difference = version.built.difference;
  report.has_new_settings = version.has_new_settings;
  report.removed_in_flight = version.removed_in_flight;
  report.tables = version.built.tables;
  if (last_change_) report.last_change = text_of(*last_change_, clock_.wall());
  for (const admin::RestartKey& key : pending_restart_)
    report.warnings.push_back(key.key + " " + key.change + ": takes effect at the next start only");
  for (const config::Diagnostic& warning : version.loaded.warnings)
    report.warnings.push_back(warning.place.text() + ": " + warning.message);
  return report;
}

void Control::watch_files(const Version& version) {
  const config::Loaded& loaded = version.loaded;
  // What decides is the last configuration that was good; without files there is nothing to watch.
  const config::Config* config =
      loaded.config.has_value() ? &*loaded.config : &*current_->loaded.config;
  if (!config->routes.watch || config_file_.empty()) {
    watcher_.reset();
    return;
  }
  if (watcher_ == nullptr) {
    net::FileWatchOptions options;
    options.on_poll_only = [this](std::string_view reason) {
      log_.warn("changes of files are found by looking every 10 s alone",
                {{"reason", std::string(reason)}});
    };
    watcher_ = std::make_unique<net::FileWatcher>(loop_, std::move(options),
                                                  [this] { reload(std::string(kFileChange)); });
  }
  watcher_->watch(version.watched, loaded.globs, version.read_began);
}

}  // namespace weir::server
