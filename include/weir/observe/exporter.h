#pragma once
// The numbers of all workers and of Control as Prometheus text 0.0.4 (CONTRACT §5). Names, types
// and help are rows of metrics.def. Called by Control; reads shards with relaxed loads.
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "weir/observe/metrics.h"
#include "weir/observe/series.h"

namespace weir::observe {

// How a reload ended; the label of weir_config_reloads_total.
enum class ReloadResult : std::uint8_t { kSuccess, kFailure, kUnchanged };
constexpr std::string_view name_of(ReloadResult result) {
  return result == ReloadResult::kSuccess   ? "success"
         : result == ReloadResult::kFailure ? "failure"
                                            : "unchanged";
}

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
  std::uint64_t stale_entries = 0;
  std::uint64_t connections_limit = 0;
  std::uint64_t access_lines_dropped = 0;  // by the log's thread, beside those of workers
  std::string version;
};

// One backend of one pool at the moment of a scrape.
struct BackendSample {
  std::string_view pool;
  std::string address;
  bool is_up = true;
  std::uint64_t in_flight = 0;
  std::uint64_t idle_connections = 0;
  std::array<std::uint64_t, 6> requests{};  // by class of status
};
struct CheckCount {
  std::string pool;
  std::uint64_t succeeded = 0;
  std::uint64_t failed = 0;
};
using StateCount = std::pair<std::string_view, std::uint64_t>;

// Everything of one scrape. Views and pointers live for the call.
struct Scrape {
  std::vector<const WorkerNumbers*> workers;
  std::vector<Duration> busy;  // of each worker
  ProcessNumbers process;
  const SharedSeries* series = nullptr;
  std::vector<BackendSample> backends;  // those to be shown; the caller chooses
  std::vector<CheckCount> checks;       // of the pools to be shown
  std::vector<StateCount> pools_by_state;
  std::vector<StateCount> backends_by_state;
  std::vector<StateCount> quarantined;  // entries by their kind
};
std::string export_text(const Scrape& scrape);

// The part of a 64-bit hash that a metric's value can hold exactly: its low 52 bits.
constexpr std::uint64_t exported_hash(std::uint64_t hash) { return hash & ((1ULL << 52) - 1); }

}  // namespace weir::observe
