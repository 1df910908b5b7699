// Pools and their backends as JSON.
#include "json.h"
#include "json_writer.h"

namespace weir::admin {
namespace {

enum class Checks : std::uint8_t { kShown, kLeftOut };

void write_checks(JsonWriter& json, const std::vector<backend::CheckResult>& checks) {
  json.key("checks").open('[');
  for (const backend::CheckResult& check : checks) {
    json.open('{');
    json.key("at").time_or_null(check.at);
    json.key("success").boolean(check.is_success);
    json.key("status");
    check.status == 0 ? json.null() : json.number(static_cast<std::uint64_t>(check.status));
    json.key("latency_seconds").seconds(check.latency);
    json.key("reason").text(check.reason);
    json.close('}');
  }
  json.close(']');
}

void write_backend(JsonWriter& json, const backend::BackendView& backend, Checks checks) {
  bool is_set = backend.admin != backend::AdminState::kReady;
  json.open('{');
  json.key("address").text(backend.address);
  json.key("state").text(state_word(backend.admin, backend.health));
  json.key("usable").boolean(backend.is_usable);
  json.key("why").text_or_null(is_set ? "set by " + backend.admin_by : backend.health_reason);
  json.key("since").time_or_null(is_set ? backend.admin_since : backend.health_since);
  json.key("admin").open('{');
  json.key("state").text(name_of(backend.admin));
  json.key("by").text_or_null(backend.admin_by);
  json.key("since").time_or_null(backend.admin_since);
  json.close('}');
  json.key("health").open('{');
  json.key("state").text(name_of(backend.health));
  json.key("reason").text_or_null(backend.health_reason);
  json.key("since").time_or_null(backend.health_since);
  json.close('}');
  json.key("weight").number(backend.weight);
  json.key("backup").boolean(backend.is_backup);
  json.key("stale").boolean(backend.is_stale);
  json.key("in_flight").number(backend.in_flight);
  if (checks == Checks::kShown) write_checks(json, backend.checks);
  json.close('}');
}

void write_pool(JsonWriter& json, const backend::PoolView& pool, Checks checks) {
  std::uint64_t in_flight = 0;
  for (const backend::BackendView& backend : pool.backends) in_flight += backend.in_flight;
  json.open('{');
  json.key("name").text(pool.name);
  json.key("state").text(pool.state);
  json.key("usable").number(pool.usable);
  json.key("in_flight").number(in_flight);
  json.key("backends").open('[');
  for (const backend::BackendView& backend : pool.backends) write_backend(json, backend, checks);
  json.close(']');
  json.close('}');
}

}  // namespace

std::string pools_json(const std::vector<backend::PoolView>& pools) {
  std::string out;
  JsonWriter json(out);
  json.open('{');
  json.key("pools").open('[');
  for (const backend::PoolView& pool : pools) write_pool(json, pool, Checks::kLeftOut);
  json.close(']');
  json.close('}');
  return out + "\n";
}

std::string pool_json(const backend::PoolView& pool) {
  std::string out;
  JsonWriter json(out);
  write_pool(json, pool, Checks::kShown);
  return out + "\n";
}

}  // namespace weir::admin
