// What a scrape of /metrics shows: the numbers of all workers and of the table that is served.
#include <unordered_set>

#include "control.h"
#include "version.h"
#include "weir/base/version.h"

namespace weir::server {
namespace {

observe::BackendSample sample_of(const backend::Backend& backend) {
  observe::BackendSample sample;
  sample.pool = backend.pool();
  sample.address = backend.address();
  sample.is_up = backend.standing() == backend::Standing::kUsable;
  sample.in_flight = backend.in_flight();
  sample.idle_connections = backend.idle_connections();
  for (std::size_t i = 0; i < sample.requests.size(); ++i)
    sample.requests[i] = backend.requests(static_cast<int>(i));
  return sample;
}

// States of pools and backends, all counted; samples of backends, those that are not up first.
class Survey {
 public:
  Survey(const backend::PoolSet& pools, std::size_t most) {
    for (const auto& pool : pools.all())
      if (pool != nullptr) count(*pool);
    for (bool is_up : {false, true})
      for (const auto& pool : pools.all())
        if (pool != nullptr) take(*pool, is_up, most);
  }
  std::vector<observe::BackendSample> samples;
  // As of pool_state_word().
  std::vector<observe::StateCount> pools_by_state = {
      {"up", 0}, {"degraded", 0}, {"down", 0}, {"empty", 0}};

 private:
  void count(const backend::PoolSpec& pool) {
    std::size_t usable = 0;
    for (const std::shared_ptr<backend::Backend>& backend : pool.backends)
      usable += backend->standing() == backend::Standing::kUsable ? 1 : 0;
    std::string_view state = backend::pool_state_word(usable, pool.backends.size());
    for (auto& [word, pools] : pools_by_state) pools += word == state ? 1 : 0;
  }
  void take(const backend::PoolSpec& pool, bool is_up, std::size_t most) {
    for (const std::shared_ptr<backend::Backend>& backend : pool.backends) {
      if (samples.size() == most) return;
      if ((backend->standing() == backend::Standing::kUsable) == is_up)
        samples.push_back(sample_of(*backend));
    }
  }
};

}  // namespace

std::string Control::metrics() const {
  observe::Scrape scrape;
  for (const std::unique_ptr<Worker>& worker : group_.workers) {
    scrape.workers.push_back(&worker->numbers());
    scrape.busy.push_back(worker->busy());
  }
  scrape.series = group_.series.get();
  scrape.process = numbers_;
  scrape.process.is_ready = state() == admin::ServiceState::kReady;
  scrape.process.config_generation = current_->built.tables->generation;
  scrape.process.config_hash = current_->built.tables->hash;
  scrape.process.routes = current_->built.tables->routes->routes();
  for (std::size_t kind = 0; kind < 4; ++kind)
    scrape.quarantined.push_back({config::name_of(static_cast<config::EntryKind>(kind)),
                                  current_->built.tables->quarantine.counts[kind]});
  scrape.process.stale_entries = current_->built.tables->stale.size();
  scrape.process.connections_limit = group_.max_clients.load(std::memory_order_relaxed);
  scrape.process.access_lines_dropped = dropped_lines_->load(std::memory_order_relaxed);
  scrape.process.version = kVersion;
  for (backend::PoolChecks& checks : backends_->checks())
    if (scrape.checks.size() < current_->loaded.config->metrics.max_routes)
      scrape.checks.push_back({std::move(checks.name), checks.succeeded, checks.failed});
  Survey survey(*current_->built.tables->pools, current_->loaded.config->metrics.max_routes);
  scrape.backends = std::move(survey.samples);
  scrape.pools_by_state = std::move(survey.pools_by_state);
  for (const backend::StateTotal& total : backends_->state_totals())
    scrape.backends_by_state.push_back({total.state, total.backends});
  return observe::export_text(scrape);
}

// Series of routes and pools that are gone leave; off the loop, because tables are large. There are
// few series, so what is remembered is which of them are called as something that is there.
void Control::retain_series() {
  group_.series->routes.set_most(current_->loaded.config->metrics.max_routes);
  group_.series->pools.set_most(current_->loaded.config->metrics.max_routes);
  const table::Difference& change = current_->built.difference;
  bool may_be_gone = change.hosts_removed + change.hosts_moved + change.hosts_relabelled +
                         change.pools_removed > 0;
  if (!may_be_gone) return;
  loop_.run_in_background(
      [series = group_.series.get(), version = current_]() mutable {
        const table::Tables& tables = *version->built.tables;
        auto retain = [](auto& of, const auto& things, auto name_of) {
          std::unordered_set<std::string> names, live{std::string(observe::kNoneSeries)};
          of.visit_names([&](const std::string& name) { names.insert(name); });
          for (const auto& thing : things) {
            if (thing == nullptr) continue;
            std::string name = name_of(*thing);
            if (names.contains(name)) live.insert(std::move(name));
          }
          // One that came meanwhile is of the newest table.
          of.retain([&](const std::string& name) {
            return !names.contains(name) || live.contains(name);
          });
        };
        retain(series->routes, tables.routes->all_routes(),
               [](const route::Route& route) { return route.label.str(); });
        retain(series->pools, tables.pools->all(),
               [](const backend::PoolSpec& pool) { return pool.name.str(); });
        version.reset();
      },
      [] {});
}

}  // namespace weir::server
