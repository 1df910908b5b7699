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

// 16 digits, because a JSON number cannot hold 64 bits.
std::string hash_text(std::uint64_t hash) {
  char digits[16];
  std::size_t count =
      static_cast<std::size_t>(std::to_chars(digits, std::end(digits), hash, 16).ptr - digits);
  return std::string(sizeof digits - count, '0').append(digits, count);
}

Json last_reload(const std::optional<ReloadStatus>& reload) {
  if (!reload) return nullptr;
  std::string at;
  append_rfc3339(at, reload->at);
  return {{"at", at}, {"result", name_of(reload->result)}, {"message", reload->message}};
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
  auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(status.uptime).count();
  Json json = {
      {"version", status.version},
      {"name", status.name},
      {"uptime_seconds", static_cast<double>(milliseconds) / 1000},
      {"state", name_of(state)},
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
      {"workers", status.workers},
      {"config",
       {{"file", status.config_file.empty() ? Json(nullptr) : Json(status.config_file)},
        {"last_reload", last_reload(status.last_reload)}}},
  };
  return text_of(json, 2);
}

}  // namespace weir::admin
