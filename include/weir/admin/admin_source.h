#pragma once
// What the admin interface shows, asked of whoever runs the process (Control; tests have their
// own). Called on Control's loop, for each request anew.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/time.h"
#include "weir/observe/exporter.h"

namespace weir::admin {

enum class ServiceState : std::uint8_t { kStarting, kReady, kDraining };
constexpr std::string_view name_of(ServiceState state) {
  return state == ServiceState::kReady      ? "ready"
         : state == ServiceState::kStarting ? "starting"
                                            : "draining";
}

struct ListenerStatus {
  std::string name;
  std::string address;  // IP:PORT as bound; a listener with several stands here as often
};

struct ReloadStatus {
  WallTime at{};
  observe::ReloadResult result = observe::ReloadResult::kSuccess;
  std::string message;  // what changed, or why nothing did
};

// What GET /api/status shows beside the state.
struct Status {
  std::string version;
  std::string name;
  Duration uptime{};
  std::uint64_t generation = 0;
  std::uint64_t hash = 0;
  std::vector<ListenerStatus> listeners;
  std::uint64_t requests = 0;  // finished
  std::uint64_t requests_in_flight = 0;
  std::uint64_t connections_open = 0;
  std::uint64_t failures = 0;
  std::uint64_t routes = 0;
  std::uint64_t pools = 0;
  std::uint64_t backends = 0;
  std::uint64_t workers = 0;
  std::string config_file;  // empty: none (the demo)
  std::optional<ReloadStatus> last_reload;
};

class AdminSource {
 public:
  virtual ~AdminSource() = default;
  virtual ServiceState state() const = 0;
  virtual Status status() const = 0;
  // Prometheus text 0.0.4.
  virtual std::string metrics() const = 0;
};

}  // namespace weir::admin
