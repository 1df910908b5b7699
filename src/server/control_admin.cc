// What the admin interface shows of Control and changes in it.
#include <algorithm>
#include <unordered_set>
#include <utility>

#include "control.h"
#include "explain.h"
#include "version.h"
#include "weir/base/version.h"
#include "weir/observe/exporter.h"

namespace weir::server {

namespace {

// A worker that says nothing for so long is not waited for.
constexpr Duration kWorkerPatience = std::chrono::seconds(5);

admin::Refusal ending() {
  return {409, "ending", "weir is about to end: that cannot be taken back or changed any more"};
}

admin::Refusal silent_workers(unsigned count) {
  return {503, "silent_workers",
          std::to_string(count) +
              " of the workers did not answer in time; what was asked for is "
              "under way"};
}

constexpr std::size_t kMaxNamedPools = 10;

std::vector<std::string> warnings_of(const std::vector<backend::UnusablePool>& pools) {
  std::vector<std::string> warnings;
  for (const backend::UnusablePool& pool : pools) {
    if (warnings.size() == kMaxNamedPools) {
      warnings.push_back("so do those of " + std::to_string(pools.size() - kMaxNamedPools) +
                         " more pools");
      break;
    }
    warnings.push_back("pool \"" + pool.name + "\": 0 of " + std::to_string(pool.backends) +
                       " usable, its requests get 503");
  }
  return warnings;
}

// All backends, to look one up.
}  // namespace

admin::ServiceState Control::state() const {
  bool is_drained = state_ == admin::ServiceState::kReady && out_of_service_.has_value();
  return is_drained ? admin::ServiceState::kDraining : state_;
}

admin::Status Control::status() const {
  admin::Status status;
  status.version = kVersion;
  status.name = current_->loaded.config->server.name;
  status.uptime = clock_.now() - started_at_;
  status.generation = current_->built.tables->generation;
  status.hash = current_->built.tables->hash;
  for (const Listeners::Socket& socket : listeners_.sockets())
    if (socket.claim.use == Use::kClients)
      status.listeners.push_back({socket.claim.listener, socket.socket->endpoint().text()});
  observe::WorkerNumbers sum;
  for (const std::unique_ptr<Worker>& worker : group_.workers) sum.add(worker->numbers());
  status.requests = sum.requests_finished.get();
  status.requests_in_flight = sum.requests_in_flight();
  for (const observe::Number& failures : sum.failures) status.failures += failures.get();
  status.connections_open = group_.open_clients.load(std::memory_order_relaxed);
  status.routes = current_->built.tables->routes->routes();
  status.pools = current_->built.tables->pools->size();
  for (const backend::StateTotal& total : backends_->state_totals())
    status.backends += total.backends;
  status.quarantine = &current_->built.tables->quarantine;
  status.stale = &current_->built.tables->stale;
  for (const std::weak_ptr<const backend::Backend>& removed : removed_backends_)
    if (auto backend = removed.lock()) status.removed_in_flight += backend->in_flight();
  status.workers = worker_count_;
  status.config_file = config_file_;
  status.last_reload = last_reload_;
  status.last_change = last_change_;
  status.pending_restart = pending_restart_;
  status.drain = out_of_service_;
  return status;
}

backend::PoolView Control::with_stale(backend::PoolView pool) const {
  const table::Stale& stale = current_->built.tables->stale;
  if (!stale.addresses.contains(pool.name)) return pool;
  for (backend::BackendView& backend : pool.backends)
    backend.is_stale = stale.is_stale(pool.name, backend.address);
  return pool;
}

std::vector<backend::PoolView> Control::pools() const {
  std::vector<backend::PoolView> pools = backends_->view_all();
  for (backend::PoolView& pool : pools) pool = with_stale(std::move(pool));
  return pools;
}

std::optional<backend::PoolView> Control::pool(std::string_view name) const {
  std::optional<backend::PoolView> pool = backends_->view(name);
  if (pool) pool = with_stale(std::move(*pool));
  return pool;
}

void Control::audit(const admin::AuditEntry& entry) {
  std::string status = std::to_string(entry.status);
  if (entry.error.empty())
    log_.info("admin request", {{"by", entry.by}, {"action", entry.action}, {"status", status}});
  else
    log_.warn(
        "admin request",
        {{"by", entry.by}, {"action", entry.action}, {"status", status}, {"error", entry.error}});
}

// --- Questions to all workers. Only numbers cross over to their threads: what is called at the end
// never leaves this one.

std::uint64_t Control::begin_round(std::function<void(unsigned)> done) {
  rounds_[++last_round_] = {worker_count_, context_.scheduler().now() + kWorkerPatience,
                            std::move(done)};
  if (!round_timer_.is_armed()) context_.scheduler().arm(round_timer_, kWorkerPatience);
  return last_round_;
}

void Control::end_turn(std::uint64_t round) {
  auto found = rounds_.find(round);
  if (found == rounds_.end() || --found->second.left > 0) return;
  std::function<void(unsigned)> done = std::move(found->second.done);
  rounds_.erase(found);
  if (rounds_.empty()) round_timer_.cancel();
  done(0);
}

void Control::on_round_timer() {
  // In order of their deadlines.
  while (!rounds_.empty() && rounds_.begin()->second.until <= context_.scheduler().now()) {
    Round late = std::move(rounds_.begin()->second);
    rounds_.erase(rounds_.begin());
    log_.warn("workers do not answer", {{"count", std::to_string(late.left)}});
    late.done(late.left);
  }
  if (!rounds_.empty()) context_.scheduler().arm(round_timer_, std::chrono::seconds(1));
}

void Control::when_workers_follow(std::function<void(unsigned)> done) {
  std::uint64_t round = begin_round(std::move(done));
  for (const std::unique_ptr<Worker>& worker : group_.workers)
    worker->pass([this, round] { loop_.post([this, round] { end_turn(round); }); });
}

void Control::requests(std::size_t limit, admin::Done<admin::RequestsView> done) {
  auto view = std::make_shared<admin::RequestsView>();
  std::uint64_t round = begin_round([view, limit, done = std::move(done)](unsigned silent) {
    view->silent_workers = silent;
    std::stable_sort(view->requests.begin(), view->requests.end(),
                     [](const auto& a, const auto& b) { return a.age > b.age; });
    if (view->requests.size() > limit) view->requests.resize(limit);
    done(std::move(*view));
  });
  for (const std::unique_ptr<Worker>& worker : group_.workers)
    worker->list_requests(limit, [this, round, view](auto requests, std::size_t count) {
      loop_.post([this, round, view, requests = std::move(requests), count] {
        view->total += count;
        view->requests.insert(view->requests.end(), requests.begin(), requests.end());
        end_turn(round);
      });
    });
}

// The builder knows where entries stand, and belongs to its thread.
void Control::explain(const admin::ExplainQuery& query, admin::Done<admin::ExplainView> done) {
  using Explained = Result<admin::ExplainView, admin::Refusal>;
  auto explained = std::make_shared<std::optional<Explained>>();
  std::shared_ptr<const table::Tables> tables = current_->built.tables;
  loop_.run_in_background(
      [this, query, tables, explained] {
        explained->emplace(explain_route(*tables, *builder_, query));
      },
      [this, tables, explained, done = std::move(done)] {
        if ((*explained)->ok()) {
          explain_pool(*tables, backends_.get(), ***explained);
          (***explained).generation = tables->generation;
        }
        done(std::move(**explained));
      });
}

// --- Changes.

void Control::reload(const std::string& by, Force force,
                     admin::Done<admin::ReloadReport> done) {
  if (state_ == admin::ServiceState::kDraining) return done(Err{ending()});
  // One under way may have read the files before they became what is wanted.
  (is_reloading_ ? next_reload_waiters_ : reload_waiters_).push_back(std::move(done));
  reload("admin request by " + by, force);
}

void Control::tell_reload_waiters(const Result<admin::ReloadReport, admin::Refusal>& report) {
  for (const auto& done : std::exchange(reload_waiters_, {})) done(report);
}

std::uint64_t Control::remember_removed(const table::Tables& before,
                                        const table::Tables& after) {
  std::unordered_set<const backend::Backend*> served;  // of the pools that changed
  std::vector<std::shared_ptr<backend::Backend>> had;
  after.pools->all().for_each_difference(before.pools->all(), [&](std::size_t at) {
    auto id = static_cast<backend::PoolId>(at);
    std::shared_ptr<const backend::PoolSpec> now = after.pools->find(id);
    std::shared_ptr<const backend::PoolSpec> then = before.pools->find(id);
    if (now == then) return;
    if (now)
      for (const auto& backend : now->backends) served.insert(backend.get());
    if (then) had.insert(had.end(), then->backends.begin(), then->backends.end());
  });
  // One that came back while it still had requests is the same object.
  std::erase_if(removed_backends_, [&](const auto& removed) {
    auto backend = removed.lock();
    return backend == nullptr || served.contains(backend.get());
  });
  std::uint64_t in_flight = 0;
  for (const std::shared_ptr<backend::Backend>& backend : had) {
    if (served.contains(backend.get())) continue;
    in_flight += backend->in_flight();
    removed_backends_.push_back(backend);
  }
  return in_flight;
}

void Control::set_in_service(bool is_in_service, const std::string& by, admin::Done<Ok> done) {
  if (state_ == admin::ServiceState::kDraining) return done(Err{ending()});
  bool is_news = is_in_service == out_of_service_.has_value();
  if (is_in_service)
    out_of_service_.reset();
  else if (is_news)
    out_of_service_ = admin::DrainStatus{by, clock_.wall(), false};
  if (is_news) {
    log_.info(is_in_service ? "back in service" : "out of service", {{"by", by}});
    service_.say_status();
  }
  for (const std::unique_ptr<Worker>& worker : group_.workers)
    is_in_service ? worker->end_drain() : worker->begin_drain();
  when_workers_follow([done = std::move(done)](unsigned silent) {
    if (silent > 0) return done(Err{silent_workers(silent)});
    done(Ok{});
  });
}

void Control::set_backend(const std::string& pool, const std::string& address,
                          backend::AdminState state, const std::string& by,
                          admin::Done<admin::SetReport> done) {
  WallTime now = clock_.wall();
  std::size_t matched = backends_->set_admin(pool, address, state, by, now);
  if (matched == 0) {
    bool is_pool = pool == "*" || backends_->view(pool).has_value();
    std::string of = pool == "*" ? "any pool" : "pool \"" + pool + "\"";
    return done(
        Err{is_pool ? admin::Refusal{404, "unknown_backend",
                                     "there is no backend \"" + address + "\" in " + of}
                    : admin::Refusal{404, "unknown_pool", "there is no pool \"" + pool + "\""}});
  }
  keep_order({pool, address, state, by, now});
  changed_timer_.cancel();
  tell_changed_pools();
  bool is_out = state != backend::AdminState::kReady;
  when_workers_follow(
      [this, pool, address, matched, is_out, done = std::move(done)](unsigned silent) {
        if (silent > 0) return done(Err{silent_workers(silent)});
        admin::SetReport report{matched, backends_->in_flight(pool, address), {}};
        if (is_out) report.warnings = warnings_of(backends_->unusable_pools(pool, address));
        done(std::move(report));
      });
}

// A drain began behind a reload that others wait to follow.
void Control::refuse_next_reload() {
  for (admin::Done<admin::ReloadReport>& done : std::exchange(next_reload_waiters_, {}))
    done(Err{ending()});
}

}  // namespace weir::server
