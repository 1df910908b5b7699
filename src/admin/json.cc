#include "json.h"

#include <charconv>
#include <nlohmann/json.hpp>

#include "weir/base/log.h"

namespace weir::admin {
namespace {

// Keeps the order in which keys are written here.
using Json = nlohmann::ordered_json;

std::string text_of(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string hash_text(std::uint64_t hash) {
  char digits[16];
  std::size_t count =
      static_cast<std::size_t>(std::to_chars(digits, std::end(digits), hash, 16).ptr - digits);
  return std::string(sizeof digits - count, '0').append(digits, count);
}

namespace {

double seconds(Duration duration) {
  auto microseconds = std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
  return static_cast<double>(microseconds) / 1e6;
}

// Null for a moment that never was, and for a text that is not there.
Json time_json(WallTime time) {
  if (time == WallTime{}) return nullptr;
  std::string text;
  append_rfc3339(text, time);
  return text;
}
Json text_json(std::string_view text) { return text.empty() ? Json(nullptr) : Json(text); }

Json reload_status_json(const std::optional<ReloadStatus>& reload) {
  if (!reload) return nullptr;
  return {{"at", time_json(reload->at)},
          {"result", name_of(reload->result)},
          {"message", reload->message},
          {"cause", reload->cause}};
}

Json pending_json(const std::vector<RestartKey>& keys) {
  Json list = Json::array();
  for (const RestartKey& key : keys) list.push_back({{"key", key.key}, {"change", key.change}});
  return list;
}

Json drain_json(const std::optional<DrainStatus>& drain) {
  if (!drain) return nullptr;
  return {{"by", drain->by}, {"since", time_json(drain->since)}, {"final", drain->is_final}};
}

Json request_json(const observe::RequestInFlight& request) {
  return {{"listener", request.listener},
          {"client", request.client.is_unspecified() ? "unix" : request.client.ip_text()},
          {"method", request.method},
          {"host", request.host},
          {"path", request.path},
          {"route", text_json(request.route)},
          {"pool", text_json(request.pool)},
          {"backend", text_json(request.backend)},
          {"state", request.state},
          {"age_seconds", seconds(request.age)},
          {"bytes_in", request.bytes_in},
          {"bytes_out", request.bytes_out},
          {"tries", request.tries},
          {"request_id", request.request_id}};
}

Json quarantine_json(const table::Quarantine* quarantine) {
  Json list = Json::array();
  if (quarantine == nullptr) return list;
  for (const table::Quarantined& entry : quarantine->listed)
    list.push_back({{"kind", config::name_of(entry.kind)},
                    {"key", text_json(entry.key)},
                    {"file", entry.place.file},
                    {"line", entry.place.line},
                    {"reason", entry.reason},
                    {"served", entry.is_served ? Json(*entry.is_served) : Json(nullptr)}});
  return list;
}

Json stale_json(const table::Stale& stale) {
  Json files = Json::array();
  for (const table::StaleFile& file : stale.files)
    files.push_back({{"file", file.path},
                     {"hosts", file.hosts},
                     {"hosts_left", file.hosts_left},
                     {"backends", file.backends},
                     {"backends_left", file.backends_left},
                     {"examples", file.examples}});
  return {{"total", stale.size()},
          {"hosts", stale.hosts},
          {"backends", stale.backends},
          {"summary", text_json(stale.text())},
          {"files", std::move(files)}};
}

}  // namespace

std::string error_json(std::string_view code, std::string_view message) {
  return text_of(Json{{"error", code}, {"message", message}}, -1);
}

std::string status_json(ServiceState state, const Status& status) {
  Json listeners = Json::array();
  for (const ListenerStatus& listener : status.listeners) {
    listeners.push_back({{"name", listener.name}, {"address", listener.address}});
  }
  Json json = {
      {"version", status.version},
      {"name", status.name},
      {"uptime_seconds", seconds(std::chrono::floor<std::chrono::milliseconds>(status.uptime))},
      {"state", name_of(state)},
      {"drain", drain_json(status.drain)},
      {"generation", status.generation},
      {"hash", hash_text(status.hash)},
      {"listeners", std::move(listeners)},
      {"totals",
       {{"requests", status.requests},
        {"requests_in_flight", status.requests_in_flight},
        {"connections_open", status.connections_open},
        {"failures", status.failures}}},
      {"routes", status.routes},
      {"pools", status.pools},
      {"backends", status.backends},
      {"removed_backends_in_flight", status.removed_in_flight},
      {"workers", status.workers},
      {"config",
       {{"file", status.config_file.empty() ? Json(nullptr) : Json(status.config_file)},
        {"last_reload", reload_status_json(status.last_reload)},
        {"last_change", reload_status_json(status.last_change)}}},
      {"pending_restart", pending_json(status.pending_restart)},
      {"quarantine",
       {{"total", status.quarantine ? status.quarantine->size() : std::size_t{0}},
        {"entries", quarantine_json(status.quarantine)}}},
      {"stale", stale_json(status.stale ? *status.stale : table::Stale())},
  };
  return text_of(json, 2);
}

std::string requests_json(const RequestsView& view) {
  Json list = Json::array();
  for (const observe::RequestInFlight& request : view.requests)
    list.push_back(request_json(request));
  return text_of(Json{{"total", view.total},
                      {"requests", std::move(list)},
                      {"silent_workers", view.silent_workers}},
                 2);
}

namespace {

std::string change_text(const ReloadReport& report) {
  const table::Difference& difference = report.difference;
  if (difference.is_empty() && !report.has_new_settings)
    return difference.text() + (report.last_change.empty() ? "" : " since " + report.last_change);
  std::string text = difference.is_empty() ? "settings" : difference.text();
  if (report.has_new_settings && !difference.is_empty()) text += ", settings";
  // Whoever took something away wants to know what became of those who used it.
  bool takes_away = difference.hosts_removed + difference.hosts_moved + difference.pools_removed +
                        difference.backends_removed >
                    0;
  if (report.removed_in_flight > 0)
    text += ", " + std::to_string(report.removed_in_flight) +
            (report.removed_in_flight == 1 ? " request goes on there" : " requests go on there");
  return takes_away ? text + ", nothing cut" : text;
}

}  // namespace

std::string report_text(const ReloadReport& report) {
  std::string stale = report.tables ? report.tables->stale.text() : std::string();
  return change_text(report) + (stale.empty() ? "" : "; " + stale);
}

std::string reload_json(const ReloadReport& report) {
  const table::Difference& difference = report.difference;
  return text_of(Json{{"generation", report.generation},
                      {"added", difference.hosts_added},
                      {"removed", difference.hosts_removed},
                      {"moved", difference.hosts_moved},
                      {"changed", difference.pools_changed + difference.pools_added +
                                      difference.pools_removed},
                      {"backends_added", difference.backends_added},
                      {"backends_removed", difference.backends_removed},
                      {"removed_in_flight", report.removed_in_flight},
                      {"settings", report.has_new_settings},
                      {"summary", report_text(report)},
                      {"warnings", report.warnings},
                      {"stale", report.tables ? report.tables->stale.size() : std::size_t{0}},
                      {"quarantined", quarantine_json(report.tables ? &report.tables->quarantine
                                                                    : nullptr)},
                      {"quarantined_total",
                       report.tables ? report.tables->quarantine.size() : std::size_t{0}}},
                 2);
}

std::string service_json(ServiceState state) { return text_of(Json{{"state", name_of(state)}}, 2); }

std::string set_json(backend::AdminState state, const SetReport& report) {
  return text_of(Json{{"state", name_of(state)},
                      {"matched", report.matched},
                      {"in_flight", report.in_flight},
                      {"warnings", report.warnings}},
                 2);
}

}  // namespace weir::admin
