#include "weir/observe/exporter.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <limits>
#include <optional>
#include <string_view>
#include <tuple>

#include "process_stats.h"
#include "weir/base/check.h"

namespace weir::observe {
namespace {

using LabelValues = std::initializer_list<std::string_view>;

enum class Metric : unsigned char {
#define METRIC(name, type, labels, help) name,
#include "metrics.def"
#undef METRIC
};

struct MetricRow {
  std::string_view name;
  prometheus::MetricType type;
  std::string_view labels;
  std::string_view help;
};

constexpr MetricRow kMetricRows[] = {
#define METRIC(name, type, labels, help) {#name, prometheus::MetricType::type, labels, help},
#include "metrics.def"
#undef METRIC
};

constexpr std::string_view kRejectionNames[kRejectionCount] = {"no_descriptors"};
constexpr std::string_view kCodeNames[] = {"none", "1xx", "2xx", "3xx", "4xx", "5xx"};
static_assert(std::size(kCodeNames) == std::tuple_size_v<decltype(ListenerNumbers::requests)>);

// Gathers the values of one scrape below the rows of metrics.def.
class Collector {
 public:
  Collector() : families_(std::size(kMetricRows)) {
    for (std::size_t i = 0; i < families_.size(); ++i) {
      families_[i].name = kMetricRows[i].name;
      families_[i].help = kMetricRows[i].help;
      families_[i].type = kMetricRows[i].type;
    }
  }

  void add(Metric metric, LabelValues labels, double value) {
    prometheus::ClientMetric& added = add_series(metric, labels);
    if (row(metric).type == prometheus::MetricType::Counter) {
      added.counter.value = value;
    } else {
      added.gauge.value = value;
    }
  }
  void add(Metric metric, LabelValues labels, std::uint64_t value) {
    add(metric, labels, static_cast<double>(value));
  }
  void add(Metric metric, LabelValues labels, std::optional<double> value) {
    if (value) add(metric, labels, *value);
  }

  void add(Metric metric, LabelValues labels, const DurationHistogram& durations) {
    prometheus::ClientMetric::Histogram& histogram = add_series(metric, labels).histogram;
    histogram.sample_sum = durations.sum_seconds();
    for (std::size_t i = 0; i < kDurationBuckets; ++i) {
      bool is_last = i == std::size(kDurationBounds);
      histogram.sample_count += durations.count_in(i);
      histogram.bucket.push_back(
          {histogram.sample_count,
           is_last ? std::numeric_limits<double>::infinity() : kDurationBounds[i]});
    }
  }

  std::string text() {
    std::erase_if(families_, [](const auto& family) { return family.metric.empty(); });
    return prometheus::TextSerializer().Serialize(families_);
  }

 private:
  static const MetricRow& row(Metric metric) {
    return kMetricRows[static_cast<std::size_t>(metric)];
  }

  prometheus::ClientMetric& add_series(Metric metric, LabelValues values) {
    prometheus::ClientMetric& added =
        families_[static_cast<std::size_t>(metric)].metric.emplace_back();
    std::string_view names = row(metric).labels;
    for (std::string_view value : values) {
      WEIR_CHECK(!names.empty());
      std::string_view name = names.substr(0, names.find(','));
      names.remove_prefix(std::min(names.size(), name.size() + 1));
      added.label.push_back({std::string(name), std::string(value)});
    }
    WEIR_CHECK(names.empty());
    return added;
  }

  std::vector<prometheus::MetricFamily> families_;
};

void collect_listener(Collector& collector, std::string_view name, const ListenerNumbers& numbers) {
  for (std::size_t i = 0; i < std::size(kCodeNames); ++i) {
    collector.add(Metric::weir_requests_total, {name, kCodeNames[i]}, numbers.requests[i].get());
  }
  collector.add(Metric::weir_request_duration_seconds, {name}, numbers.duration);
  collector.add(Metric::weir_connections_open, {name}, numbers.connections_open());
  collector.add(Metric::weir_connections_accepted_total, {name},
                numbers.connections_accepted.get());
  for (std::size_t i = 0; i < kRejectionCount; ++i) {
    collector.add(Metric::weir_connections_rejected_total, {name, kRejectionNames[i]},
                  numbers.connections_rejected[i].get());
  }
}

void collect_workers(Collector& collector, const WorkerNumbers& total) {
  collector.add(Metric::weir_requests_in_flight, {}, total.requests_in_flight());
  for (std::size_t i = 0; i < kFailureCount; ++i) {
    const FailureRow& row = kFailureRows[i];
    collector.add(Metric::weir_failures_total, {name_of(row.side), row.name},
                  total.failures[i].get());
  }
  std::string_view client = name_of(Side::kClient);
  std::string_view backend = name_of(Side::kBackend);
  collector.add(Metric::weir_received_bytes_total, {client},
                total.received_from_clients_bytes.get());
  collector.add(Metric::weir_received_bytes_total, {backend},
                total.received_from_backends_bytes.get());
  collector.add(Metric::weir_sent_bytes_total, {client}, total.sent_to_clients_bytes.get());
  collector.add(Metric::weir_sent_bytes_total, {backend}, total.sent_to_backends_bytes.get());
  collector.add(Metric::weir_loop_lag_seconds, {}, total.loop_lag);
}

void collect_process(Collector& collector, const ProcessNumbers& process) {
  auto flag = [](bool is_so) { return is_so ? 1.0 : 0.0; };
  collector.add(Metric::weir_connections_limit, {}, process.connections_limit);
  collector.add(Metric::weir_routes, {}, process.routes);
  collector.add(Metric::weir_stale_entries, {}, process.stale_entries);
  collector.add(Metric::weir_config_generation, {}, process.config_generation);
  collector.add(Metric::weir_config_hash, {}, exported_hash(process.config_hash));
  collector.add(Metric::weir_config_last_reload_successful, {},
                flag(process.was_last_reload_successful));
  collector.add(Metric::weir_config_last_reload_success_timestamp_seconds, {},
                process.last_reload_success_timestamp_seconds);
  const Metric reloads = Metric::weir_config_reloads_total;
  collector.add(reloads, {name_of(ReloadResult::kSuccess)}, process.reloads_succeeded);
  collector.add(reloads, {name_of(ReloadResult::kFailure)}, process.reloads_failed);
  collector.add(reloads, {name_of(ReloadResult::kUnchanged)}, process.reloads_unchanged);
  collector.add(Metric::weir_ready, {}, flag(process.is_ready));
  collector.add(Metric::weir_build_info, {process.version}, 1.0);
}

void collect_stats(Collector& collector, const ProcessStats& stats) {
  collector.add(Metric::process_cpu_seconds_total, {}, stats.cpu_seconds);
  collector.add(Metric::process_resident_memory_bytes, {}, stats.resident_bytes);
  collector.add(Metric::process_open_fds, {}, stats.open_descriptors);
  collector.add(Metric::process_max_fds, {}, stats.max_descriptors);
  collector.add(Metric::process_start_time_seconds, {}, stats.start_seconds);
}

void collect_routes(Collector& collector, const SeriesRegistry<RouteNumbers>& routes) {
  routes.visit([&](std::string_view name, const RouteNumbers& numbers) {
    for (std::size_t i = 0; i < std::size(kCodeNames); ++i) {
      collector.add(Metric::weir_route_requests_total, {name, kCodeNames[i]},
                    numbers.requests[i].get());
    }
    collector.add(Metric::weir_route_request_duration_seconds, {name}, numbers.duration);
    for (std::size_t i = 0; i < kFailureCount; ++i) {
      if (std::uint64_t count = numbers.failures[i].get(); count > 0)
        collector.add(Metric::weir_route_failures_total, {name, kFailureRows[i].name}, count);
    }
  });
}

void collect_pools(Collector& collector, const SeriesRegistry<PoolNumbers>& pools) {
  pools.visit([&](std::string_view name, const PoolNumbers& numbers) {
    collector.add(Metric::weir_backend_connections_total, {name, "new"},
                  numbers.connections_new.get());
    collector.add(Metric::weir_backend_connections_total, {name, "reused"},
                  numbers.connections_reused.get());
    collector.add(Metric::weir_held_requests, {name}, numbers.held());
    collector.add(Metric::weir_retries_total, {name}, numbers.retries.get());
    collector.add(Metric::weir_retries_denied_total, {name}, numbers.retries_denied.get());
    collector.add(Metric::weir_backend_connect_duration_seconds, {name}, numbers.connect);
    collector.add(Metric::weir_backend_response_head_duration_seconds, {name},
                  numbers.response_head);
  });
}

void collect_backend(Collector& collector, const BackendSample& backend) {
  const LabelValues labels = {backend.pool, backend.address};
  collector.add(Metric::weir_backend_up, labels, backend.is_up ? 1.0 : 0.0);
  collector.add(Metric::weir_backend_in_flight, labels, backend.in_flight);
  collector.add(Metric::weir_backend_connections_idle, labels, backend.idle_connections);
  for (std::size_t i = 0; i < std::size(kCodeNames); ++i) {
    collector.add(Metric::weir_backend_requests_total,
                  {backend.pool, backend.address, kCodeNames[i]}, backend.requests[i]);
  }
}

}  // namespace

std::string export_text(const Scrape& scrape) {
  Collector collector;
  WorkerNumbers total;
  for (const WorkerNumbers* worker : scrape.workers) total.add(*worker);
  if (scrape.series != nullptr)
    scrape.series->listeners.visit([&](std::string_view name, const ListenerNumbers& numbers) {
      collect_listener(collector, name, numbers);
    });
  collect_workers(collector, total);
  collector.add(Metric::weir_access_log_dropped_total, {},
                total.access_lines_dropped.get() + scrape.process.access_lines_dropped);
  for (std::size_t i = 0; i < scrape.busy.size(); ++i) {
    collector.add(Metric::weir_worker_busy_seconds_total, {std::to_string(i)},
                  std::chrono::duration<double>(scrape.busy[i]).count());
  }
  if (scrape.series != nullptr) {
    collect_routes(collector, scrape.series->routes);
    collect_pools(collector, scrape.series->pools);
  }
  for (const BackendSample& backend : scrape.backends) collect_backend(collector, backend);
  for (const CheckCount& checks : scrape.checks) {
    collector.add(Metric::weir_health_checks_total, {checks.pool, "success"}, checks.succeeded);
    collector.add(Metric::weir_health_checks_total, {checks.pool, "failure"}, checks.failed);
  }
  for (const auto& [kind, count] : scrape.quarantined)
    collector.add(Metric::weir_quarantined_entries, {kind}, count);
  for (const auto& [state, count] : scrape.pools_by_state)
    collector.add(Metric::weir_pools, {state}, count);
  for (const auto& [state, count] : scrape.backends_by_state)
    collector.add(Metric::weir_backends, {state}, count);
  collect_process(collector, scrape.process);
  collect_stats(collector, read_process_stats());
  return collector.text();
}

}  // namespace weir::observe
