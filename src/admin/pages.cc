#include "pages.h"

#include <algorithm>
#include <charconv>

#include "json.h"
#include "query.h"

namespace weir::admin {
namespace {

constexpr std::string_view kPlainText = "text/plain; charset=utf-8";
constexpr std::string_view kMetricsText = "text/plain; version=0.0.4; charset=utf-8";
constexpr std::string_view kJson = "application/json";
constexpr std::size_t kDefaultRequests = 100;
constexpr std::size_t kMaxRequests = 10'000;
constexpr std::size_t kDefaultRoutes = 100;
// So many take a few milliseconds of the loop; pools, when all their settings are off the default.
constexpr std::size_t kMaxRoutes = 10'000;
constexpr std::size_t kMaxPools = 2000;

// "10.0.0.6:9004" is that backend, "10.0.0.6" all of that machine's.
bool is_at(const backend::BackendView& backend, std::string_view address) {
  if (backend.address == address) return true;
  Result<IpAddress> machine = IpAddress::parse(address);
  Result<Endpoint> endpoint = Endpoint::parse(backend.address);
  return machine.ok() && endpoint.ok() && !endpoint->is_unix() &&
         endpoint->ip.with_port(0) == *machine;
}

// Leaves those at `address`, and the pools that have one.
void keep_at(std::string_view address, std::vector<backend::PoolView>& pools) {
  for (backend::PoolView& pool : pools)
    std::erase_if(pool.backends, [&](const auto& backend) { return !is_at(backend, address); });
  std::erase_if(pools, [](const backend::PoolView& pool) { return pool.backends.empty(); });
}

// "GENERATION-NUMBER", as answers have them.
template <typename Query>
bool read_cursor(std::string_view text, Query& query) {
  const char* end = text.data() + text.size();
  auto generation = std::from_chars(text.data(), end, query.generation);
  if (generation.ec != std::errc() || generation.ptr == end || *generation.ptr != '-') return false;
  auto first = std::from_chars(generation.ptr + 1, end, query.first);
  return first.ec == std::errc() && first.ptr == end && query.generation != 0;
}

// Of pages that follow each other: limit and cursor.
template <typename Query>
std::optional<Refusal> read_page(std::string_view parameters, std::size_t usual, std::size_t most,
                                 Query& query) {
  Result<std::size_t, Refusal> limit = count_parameter(parameters, "limit", usual, most);
  if (!limit.ok()) return limit.error();
  query.limit = *limit;
  std::optional<std::string> cursor = parameter(parameters, "cursor");
  if (!cursor || cursor->empty() || read_cursor(*cursor, query)) return std::nullopt;
  return Refusal{400, "bad_parameter",
                 "cursor must be the next_cursor of an answer, or left out"};
}

void api_pool_settings(AdminSource& source, const PageRequest& request, const Reply& reply) {
  PoolSettingsQuery query;
  if (std::optional<Refusal> refusal = read_page(request.query, kMaxPools, kMaxPools, query))
    return reply.send(error_answer(*refusal));
  Result<PoolSettingsView, Refusal> view = source.pool_settings(query);
  if (!view.ok()) return reply.send(error_answer(view.error()));
  reply.send({200, kJson, pool_settings_json(*view), {}, {}});
}

}  // namespace

void healthz(AdminSource&, const PageRequest&, Reply reply) {
  reply.send({200, kPlainText, "ok\n", {}, {}});
}

void readyz(AdminSource& source, const PageRequest&, Reply reply) {
  ServiceState state = source.state();
  int status = state == ServiceState::kReady ? 200 : 503;
  reply.send({status, kPlainText, std::string(name_of(state)) + "\n", {}, {}});
}

void metrics(AdminSource& source, const PageRequest&, Reply reply) {
  reply.send({200, kMetricsText, source.metrics(), {}, {}});
}

void api_status(AdminSource& source, const PageRequest&, Reply reply) {
  reply.send({200, kJson, status_json(source.state(), source.status()), {}, {}});
}

void api_pools(AdminSource& source, const PageRequest& request, Reply reply) {
  if (is_given(request.query, "settings")) return api_pool_settings(source, request, reply);
  std::vector<backend::PoolView> pools = source.pools();
  if (std::optional<std::string> address = parameter(request.query, "address"))
    keep_at(*address, pools);
  reply.send({200, kJson, pools_json(pools), {}, {}});
}

void api_pool(AdminSource& source, const PageRequest& request, Reply reply) {
  const std::string& name = request.arguments[0];
  if (std::optional<backend::PoolView> pool = source.pool(name))
    reply.send({200, kJson, pool_json(*pool), {}, {}});
  else
    reply.send(error_answer(404, "unknown_pool", "there is no pool \"" + name + "\""));
}

void api_routes(AdminSource& source, const PageRequest& request, Reply reply) {
  RoutesQuery query;
  std::optional<std::string> host = parameter(request.query, "host");
  if (!host && is_given(request.query, "host"))
    return reply.send(error_answer(400, "bad_parameter", "host cannot be decoded"));
  query.host = std::move(host).value_or("");
  query.glob = parameter(request.query, "glob").value_or("");
  if (std::optional<Refusal> refusal =
          read_page(request.query, kDefaultRoutes, kMaxRoutes, query))
    return reply.send(error_answer(*refusal));
  Result<RoutesView, Refusal> view = source.routes(query);
  if (!view.ok()) return reply.send(error_answer(view.error()));
  reply.send({200, kJson, routes_json(*view), {}, {}});
}

void api_explain(AdminSource& source, const PageRequest& request, Reply reply) {
  ExplainQuery query;
  std::optional<std::string> url = parameter(request.query, "url");
  if (!url || url->empty())
    return reply.send(error_answer(400, "bad_parameter", "url is missing: ?url=http://HOST/PATH"));
  query.url = std::move(*url);
  if (std::optional<std::string> method = parameter(request.query, "method"))
    query.method = std::move(*method);
  source.explain(query, [reply](Result<ExplainView, Refusal> view) {
    if (!view.ok()) return reply.send(error_answer(view.error()));
    reply.send({200, kJson, explain_json(*view), {}, {}});
  });
}

void api_requests(AdminSource& source, const PageRequest& request, Reply reply) {
  Result<std::size_t, Refusal> limit =
      count_parameter(request.query, "limit", kDefaultRequests, kMaxRequests);
  if (!limit.ok()) return reply.send(error_answer(limit.error()));
  source.requests(*limit, [reply](Result<RequestsView, Refusal> view) {
    if (!view.ok()) return reply.send(error_answer(view.error()));
    reply.send({200, kJson, requests_json(*view), {}, {}});
  });
}

}  // namespace weir::admin
