// Routes, and what is set of pools, as JSON: pages of many thousand entries.
#include "json.h"
#include "json_writer.h"

namespace weir::admin {
namespace {

constexpr std::size_t kUsualEntryBytes = 160;

void write_cursor(JsonWriter& json, std::uint64_t generation, std::optional<std::uint64_t> next) {
  json.key("next_cursor");
  next ? json.text(std::to_string(generation) + "-" + std::to_string(*next)) : json.null();
}

void write_pool(JsonWriter& json, const PoolSettingsView::Pool& pool) {
  const backend::PoolSpec& spec = *pool.spec;
  json.open('{');
  json.key("name").text(spec.name);
  json.key("usable").number(pool.usable);
  json.key("settings").open('{');
  for (const config::Setting& setting : table::pool_settings(spec))
    json.key(setting.key).text(setting.value);
  json.close('}');
  json.key("backends").open('[');
  for (std::size_t index = 0; index < spec.backends.size(); ++index) {
    backend::BackendTraits traits = spec.traits_of(index);
    json.open('{');
    json.key("address").text(spec.backends[index]->address());
    json.key("weight").number(traits.weight);
    json.key("backup").boolean(traits.is_backup);
    json.close('}');
  }
  json.close(']');
  json.close('}');
}

}  // namespace

std::string routes_json(const RoutesView& view) {
  std::string out;
  out.reserve((view.routes.size() + 1) * kUsualEntryBytes);
  JsonWriter json(out);
  json.open('{');
  json.key("generation").number(view.generation);
  json.key("total");
  view.total ? json.number(*view.total) : json.null();
  json.key("routes").open('[');
  for (const RouteView& route : view.routes) {
    json.open('{');
    json.key("host").text(route.host);
    json.key("path").text(route.path);
    json.key("scheme").text_or_null(route.scheme);
    json.key("route").text(route.route);
    json.key("pool").text_or_null(route.pool);
    json.key("quarantined").boolean(route.is_quarantined);
    json.key("stale").boolean(route.is_stale);
    json.close('}');
  }
  json.close(']');
  write_cursor(json, view.generation, view.next);
  json.close('}');
  return out + "\n";
}

std::string pool_settings_json(const PoolSettingsView& view) {
  std::string out;
  out.reserve((view.pools.size() + 1) * kUsualEntryBytes);
  JsonWriter json(out);
  json.open('{');
  json.key("generation").number(view.generation);
  json.key("pools").open('[');
  for (const PoolSettingsView::Pool& pool : view.pools) write_pool(json, pool);
  json.close(']');
  write_cursor(json, view.generation, view.next);
  json.close('}');
  return out + "\n";
}

}  // namespace weir::admin
