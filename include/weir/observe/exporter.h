#pragma once
// The numbers of all workers and of Control as Prometheus text 0.0.4 (CONTRACT §5). Names, types and
// help are rows of metrics.def. Called by Control; reads shards with relaxed loads.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/time.h"
#include "weir/observe/metrics.h"

namespace weir::observe {

// What Control knows at the moment of a scrape.
struct ProcessNumbers {
  bool is_ready = false;
  std::uint64_t config_generation = 0;
  std::uint64_t config_hash = 0;
  bool was_last_reload_successful = true;
  double last_reload_success_timestamp_seconds = 0;
  std::uint64_t reloads_succeeded = 0;
  std::uint64_t reloads_failed = 0;
  std::uint64_t reloads_unchanged = 0;
  std::uint64_t routes = 0;
  std::uint64_t pools = 0;
  std::uint64_t backends = 0;
  std::uint64_t connections_limit = 0;
  std::string version;
};


// `workers[i]->listeners` are indexed like `listeners`.
std::string export_text(const std::vector<const WorkerNumbers*>& workers, const std::vector<std::string>& listeners,
                        const ProcessNumbers& process);

}  // namespace weir::observe
