#pragma once
// What the admin interface shows and changes, asked of whoever runs the process (Control; tests
// have their own). Called on Control's loop, for each request anew. What takes its time answers
// through a callback on that loop, also before the call returns; a callback that is destroyed
// uncalled means that weir is about to end.
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/admin/explain_view.h"
#include "weir/backend/backend_states.h"
#include "weir/base/time.h"
#include "weir/observe/exporter.h"
#include "weir/observe/request_in_flight.h"
#include "weir/table/build.h"

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
  std::string cause;    // "HUP", "file change", "admin request by …"
};

// A key whose configured value takes effect at the next start only.
struct RestartKey {
  std::string key;     // "[listener.public] bind"
  std::string change;  // "was :80, is :81"
  bool operator==(const RestartKey&) const = default;
};

// Why the node is out of service.
struct DrainStatus {
  std::string by;  // a token's name, an address …; of a signal: its name
  WallTime since{};
  bool is_final = false;  // the process ends: POST /api/ready cannot take it back
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
  std::uint64_t removed_in_flight = 0;  // requests at backends that reloads removed
  std::uint64_t workers = 0;
  std::string config_file;  // empty: none (the demo)
  std::optional<ReloadStatus> last_reload;
  std::optional<ReloadStatus> last_change;  // the last reload that changed something
  std::vector<RestartKey> pending_restart;
  std::optional<DrainStatus> drain;
  const table::Quarantine* quarantine = nullptr;  // of the table that is served; null: none
  const table::Stale* stale = nullptr;            // the same
};

// One entry of the route table. Its views are of the table that RoutesView holds.
struct RouteView {
  std::string host;
  std::string path;         // "" = every path
  std::string_view scheme;  // "" = both
  std::string_view route;   // its name
  std::string_view pool;
  bool is_quarantined = false;  // it has an error, and leads nowhere
  bool is_stale = false;        // no file has it any more: it is held back
};
struct RoutesQuery {
  std::string host;              // of these entries only, as a pattern in any case; empty: all
  std::string glob;              // those whose host, or host and path together, it matches
  std::size_t limit = 0;         // entries at most, but for the rest of a host's
  std::uint64_t first = 0;       // where to begin: 0, or RoutesView::next
  std::uint64_t generation = 0;  // of the table that `first` belongs to; 0: whichever is served
};
struct RoutesView {
  std::uint64_t generation = 0;
  std::optional<std::size_t> total;  // entries that match; none: nobody has counted them (glob)
  std::vector<RouteView> routes;
  std::shared_ptr<const table::Tables> tables;
  std::optional<std::uint64_t> next;  // where the next page begins
};

// What is set of pools, for those who compare tables.
struct PoolSettingsQuery {
  std::size_t limit = 0;
  std::uint64_t first = 0;       // where to begin: 0, or PoolSettingsView::next
  std::uint64_t generation = 0;  // as in RoutesQuery
};
struct PoolSettingsView {
  std::uint64_t generation = 0;
  struct Pool {
    std::shared_ptr<const backend::PoolSpec> spec;
    std::size_t usable = 0;  // backends that would get new requests
  };
  std::vector<Pool> pools;
  std::optional<std::uint64_t> next;
};

// Why something was not done: becomes the answer.
struct Refusal {
  int status = 500;
  std::string_view code;  // a constant
  std::string message;
};

struct RequestsView {
  std::vector<observe::RequestInFlight> requests;  // oldest first
  std::size_t total = 0;
  std::size_t silent_workers = 0;  // that did not answer in time: theirs are missing
};

struct ReloadReport {
  std::uint64_t generation = 0;
  table::Difference difference;
  bool has_new_settings = false;
  std::uint64_t removed_in_flight = 0;  // requests that go on at backends that it removed
  std::string last_change;  // with nothing new: when and how that came, "TIME (CAUSE: …)"
  std::vector<std::string> warnings;  // what a restart has yet to apply, what the loader minds
  std::shared_ptr<const table::Tables> tables;  // that are served now, for their quarantine and stale
};
// "+1 host, settings", "no change", "no change since 11:15:45Z (file change: +1 host)"
std::string report_text(const ReloadReport& report);

// A backend, or several, that were set to a state.
struct SetReport {
  std::size_t matched = 0;
  std::uint64_t in_flight = 0;
  std::vector<std::string> warnings;  // pools that have no usable backend left
};

// A changing request and what became of it.
struct AuditEntry {
  std::string by;
  std::string action;  // "POST /api/drain"
  int status = 0;
  std::string error;  // the code of a refusal; empty: done
};

template <typename T>
using Done = std::function<void(Result<T, Refusal>)>;

// 16 digits, because a JSON number cannot hold 64 bits.
std::string hash_text(std::uint64_t hash);

class AdminSource {
 public:
  virtual ~AdminSource() = default;
  virtual ServiceState state() const = 0;
  virtual Status status() const = 0;
  // Prometheus text 0.0.4.
  virtual std::string metrics() const = 0;
  virtual std::vector<backend::PoolView> pools() const = 0;
  virtual std::optional<backend::PoolView> pool(std::string_view name) const = 0;
  virtual Result<RoutesView, Refusal> routes(const RoutesQuery& query) const = 0;
  virtual Result<PoolSettingsView, Refusal> pool_settings(const PoolSettingsQuery& query) const = 0;
  virtual void requests(std::size_t limit, Done<RequestsView> done) = 0;
  virtual void explain(const ExplainQuery& query, Done<ExplainView> done) = 0;

  // Reads everything anew; `done` when every worker serves it, or with all that is wrong with it.
  // `force`: what is held back goes.
  virtual void reload(const std::string& by, table::Builder::Force force,
                      Done<ReloadReport> done) = 0;
  // Takes the node out of service and back: /readyz and Connection: close, nothing else. `done`
  // when every worker does so.
  virtual void set_in_service(bool is_in_service, const std::string& by, Done<Ok> done) = 0;
  // As BackendStates::set_admin(); `done` when every worker chooses accordingly.
  virtual void set_backend(const std::string& pool, const std::string& address,
                           backend::AdminState state, const std::string& by,
                           Done<SetReport> done) = 0;
  virtual void audit(const AuditEntry& entry) = 0;
};

}  // namespace weir::admin
