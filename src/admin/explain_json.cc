// Why a request goes where it goes as JSON.
#include "json_writer.h"
#include "weir/admin/explain_view.h"

namespace weir::admin {
namespace {

void write_route(JsonWriter& json, const ExplainView::Route& route) {
  json.key("host").text(route.host);
  json.key("path").text(route.path);
  json.key("scheme").text_or_null(route.scheme);
  json.key("route").text(route.route);
  json.key("pool").text_or_null(route.pool);
  json.key("quarantined").boolean(route.is_quarantined);
}

void write_place(JsonWriter& json, const config::Place& place) {
  json.key("file").text(place.file);
  json.key("line");
  place.line == 0 ? json.null() : json.number(place.line);
}

void write_winner(JsonWriter& json, const ExplainView& view) {
  json.key("route");
  if (!view.winner) return json.null();
  json.open('{');
  write_route(json, *view.winner);
  write_place(json, view.places.empty() ? config::Place{} : view.places.front());
  json.key("behind_it").open('[');
  for (std::size_t at = 1; at < view.places.size(); ++at) {
    json.open('{');
    write_place(json, view.places[at]);
    json.close('}');
  }
  json.close(']');
  json.close('}');
}

void write_backend(JsonWriter& json, const ExplainView::Backend& backend) {
  json.open('{');
  json.key("address").text(backend.view.address);
  json.key("candidate").boolean(backend.is_candidate);
  json.key("state");
  backend.is_known ? json.text(state_word(backend.view.admin, backend.view.health)) : json.null();
  json.key("why").text_or_null(backend.why);
  json.key("weight").number(backend.view.weight);
  json.key("backup").boolean(backend.view.is_backup);
  json.key("in_flight").number(backend.view.in_flight);
  json.close('}');
}

void write_pool(JsonWriter& json, const ExplainView& view) {
  json.key("pool");
  if (!view.pool) return json.null();
  json.open('{');
  json.key("name").text(view.pool->name);
  json.key("balance").text(view.pool->balance);
  json.key("candidates").number(view.pool->candidates);
  json.key("backends").open('[');
  for (const ExplainView::Backend& backend : view.pool->backends) write_backend(json, backend);
  json.close(']');
  json.close('}');
}

}  // namespace

std::string explain_json(const ExplainView& view) {
  std::string out;
  JsonWriter json(out);
  json.open('{');
  json.key("method").text(view.method);
  json.key("scheme").text(view.scheme);
  json.key("host").text(view.host);
  json.key("path").text(view.path);
  json.key("generation");
  view.generation == 0 ? json.null() : json.number(view.generation);
  json.key("outcome").text(view.outcome);
  json.key("status");
  view.status == 0 ? json.null() : json.number(static_cast<std::uint64_t>(view.status));
  json.key("why").text(view.why);
  json.key("hosts").open('[');
  for (const ExplainView::Host& host : view.hosts) {
    json.open('{');
    json.key("host").text(host.host);
    json.key("result").text(host.result);
    json.close('}');
  }
  json.close(']');
  json.key("routes").open('[');
  for (const ExplainView::Route& route : view.routes) {
    json.open('{');
    write_route(json, route);
    json.key("result").text(route.result);
    json.key("why").text(route.why);
    json.close('}');
  }
  json.close(']');
  json.key("routes_total").number(view.routes_total);
  write_winner(json, view);
  write_pool(json, view);
  json.close('}');
  return out + "\n";
}

}  // namespace weir::admin
