#include "weir/proxy/proxy.h"

#include "exchange.h"
#include "reply.h"
#include "weir/base/check.h"

namespace weir::proxy {

Proxy::Proxy(Parts parts)
    : parts_(std::move(parts)),
      backends_(parts_.context, parts_.connector, parts_.numbers,
                parts_.max_idle_backend_connections),
      no_route_series_(parts_.series.routes.claim(observe::kNoneSeries)) {}

Proxy::~Proxy() {
  cut_all();
  parts_.context.scheduler().drain_retired();
}

void Proxy::set_settings(std::shared_ptr<const Settings> settings) {
  settings_ = std::move(settings);
  addresses_.resize(settings_->listeners.size());
  for (std::size_t at = 0; at < addresses_.size(); ++at) {
    const ListenerSettings& listener = settings_->listeners[at];
    Address& address = addresses_[at];
    address.series = listener.series != nullptr ? listener.series
                                                : parts_.series.listeners.claim(listener.name);
    address.numbers = &address.series->of(parts_.worker);
  }
}

void Proxy::set_tables(std::shared_ptr<const route::RouteTable> routes,
                       std::shared_ptr<const backend::PoolSet> pools) {
  routes_ = std::move(routes);
  route_series_.clear();  // the table's label ids are its own
  pool_specs_ = std::move(pools);
  std::vector<std::shared_ptr<backend::LocalPool>> changed;
  pools_.for_each([&](std::size_t id, std::shared_ptr<backend::LocalPool>& pool) {
    if (pool == nullptr) return;
    const backend::PoolSpec* spec = pool_specs_->look(static_cast<route::PoolId>(id));
    if (spec == &pool->spec()) return;
    std::vector<std::shared_ptr<backend::LocalBackend>> before = pool->backends();
    if (spec == nullptr)
      pool->mark_removed();
    else
      pool->update(pool_specs_->find(static_cast<route::PoolId>(id)));
    for (const auto& backend : before)
      if (backend->is_out()) backends_.close_idle(*backend);
    changed.push_back(pool);
    if (spec == nullptr) pool = nullptr;  // requests under way keep theirs
  });
  for (const auto& pool : changed) pool->wake_waiters();
}

// Of a million pools all are seen every quarter of an hour, those of a small table each second. What
// goes with a pool is its balancer's turn, its retry budget and what was learned of its backends: all
// of them are about the last minutes.
void Proxy::collect_unused_pools() {
  constexpr Duration kUnused = std::chrono::minutes(5);
  constexpr std::size_t kChunks = 16;
  TimePoint now = parts_.context.scheduler().now();
  next_collected_ = pools_.sweep(
      next_collected_, kChunks, [&](std::size_t, std::shared_ptr<backend::LocalPool>& pool) {
        if (pool != nullptr && pool.use_count() == 1 && pool->is_unused_since(now - kUnused))
          pool = nullptr;
      });
}

void Proxy::look_again(std::span<const backend::PoolId> pools) {
  for (backend::PoolId id : pools) {
    // What no request has used yet looks when it is made.
    std::shared_ptr<backend::LocalPool>* known = pools_.find(id);
    if (known == nullptr || *known == nullptr) continue;
    std::shared_ptr<backend::LocalPool> pool = *known;
    pool->look_again();
    for (const auto& backend : pool->backends())
      if (backend->is_out()) backends_.close_idle(*backend);
    pool->wake_waiters();
  }
}

std::shared_ptr<backend::LocalPool> Proxy::pool_of(route::PoolId id) {
  std::shared_ptr<backend::LocalPool>* known = pools_.find(id);
  if (known != nullptr && *known != nullptr) return *known;
  std::shared_ptr<const backend::PoolSpec> spec = pool_specs_->find(id);
  if (spec == nullptr) return nullptr;
  std::shared_ptr<observe::PoolSeries> series = parts_.series.pools.claim(spec->name);
  auto pool = std::make_shared<backend::LocalPool>(std::move(spec), parts_.worker, series);
  pools_.at(id) = pool;
  return pool;
}

const std::shared_ptr<observe::RouteSeries>& Proxy::series_of(const route::Route& route) {
  std::shared_ptr<observe::RouteSeries>* known = route_series_.find(route.label_id);
  if (known != nullptr && *known != nullptr) return *known;
  std::shared_ptr<observe::RouteSeries>& series = route_series_.at(route.label_id);
  series = parts_.series.routes.claim(route.label);
  return series;
}

void Proxy::accept(std::unique_ptr<net::Stream> stream, const IpAddress& peer,
                   std::uint32_t listener) {
  auto connection = std::make_unique<wire::InboundConnection>(parts_.context, *this,
                                                              std::move(stream), peer, listener);
  addresses_[listener].numbers->connections_accepted.add();
  ++addresses_[listener].connections;
  ++connection_count_;
  connections_.push_back(*connection.release());
}

void Proxy::on_request(wire::InboundConnection& connection, const http::RequestHead& head) {
  auto exchange = std::make_unique<Exchange>(*this, connection, head);
  ++exchange_count_;
  exchanges_.push_back(*exchange.release());
}

void Proxy::on_exchange_done(Exchange& exchange) {
  --exchange_count_;
  static_cast<ListNode<Exchange>&>(exchange).unlink();
  parts_.context.scheduler().retire(std::unique_ptr<Exchange>(&exchange));
}

// A head that was refused never became an exchange; it is a request all the same.
void Proxy::on_refused(wire::InboundConnection& connection, Failure failure,
                       std::string_view detail) {
  char request_id[32];
  format_request_id(parts_.rng.next(), parts_.rng.next(), request_id);
  http::RequestHead& head = parts_.context.request_head;
  http::describe_refused(connection.refused_bytes(), head);
  FailureCase what{.failure = failure,
                   .detail = detail,
                   .server_name = settings_->server_name,
                   .request_id = {request_id, sizeof request_id},
                   .pages = settings_->pages.get(),
                   .host = head.host};
  what.wanted.ask(connection.refused_bytes());
  FailurePage page(what);
  // HEAD is told how long the page is.
  std::size_t body_bytes = head.method_text == "HEAD" ? 0 : page.response().body.size();
  TimePoint now = parts_.context.scheduler().clock().now();
  Duration duration = now - connection.request_began();
  observe::ListenerNumbers& listener = numbers_of(connection);
  parts_.numbers.requests_begun.add();
  parts_.numbers.requests_finished.add();
  parts_.numbers.failures[static_cast<std::size_t>(failure)].add();
  parts_.numbers.sent_to_clients_bytes.add(body_bytes);
  listener.requests[static_cast<std::size_t>(page.response().status / 100)].add();
  listener.duration.observe(duration);
  count_route(*no_route_series_, page.response().status, duration, failure);
  if (settings_->logs_requests && parts_.log_request) {
    observe::RequestRecord record;
    record.finished = wall_at(now);
    record.listener = listener_of(connection).name;
    record.client = connection.peer();
    record.method = head.method_text;
    record.host = head.host;
    // A line that was too long for us is too long for the log.
    if (failure != Failure::uri_too_long)
      record.path = settings_->logs_queries ? head.target : head.path;
    record.minor_version = head.minor_version;
    record.scheme = http::name_of(listener_of(connection).scheme);
    record.status = page.response().status;
    record.bytes_out = body_bytes;
    record.duration = duration;
    record.failure = failure;
    record.phase = observe::Phase::kHead;
    record.request_id = {request_id, sizeof request_id};
    parts_.log_request(record);
  }
  connection.answer_refused(page.response());
}

WallTime Proxy::wall_at(TimePoint now) {
  if (now >= wall_is_good_until_) {
    const Clock& clock = parts_.context.scheduler().clock();
    wall_ahead_ = clock.wall().time_since_epoch() - clock.now().time_since_epoch();
    wall_is_good_until_ = now + std::chrono::seconds(1);
  }
  return WallTime(now.time_since_epoch() + wall_ahead_);
}

void Proxy::count_route(observe::RouteSeries& series, int status, Duration duration,
                        std::optional<Failure> failure) {
  observe::RouteNumbers& numbers = series.of(parts_.worker);
  numbers.requests[static_cast<std::size_t>(status / 100)].add();
  numbers.duration.observe(duration);
  if (failure.has_value()) numbers.failures[static_cast<std::size_t>(*failure)].add();
}

void Proxy::on_closed(wire::InboundConnection& connection) {
  numbers_of(connection).connections_closed.add();
  --addresses_[connection.listener()].connections;
  --connection_count_;
  connection.unlink();
  parts_.context.scheduler().retire(std::unique_ptr<wire::InboundConnection>(&connection));
  if (parts_.on_connection_closed) parts_.on_connection_closed();
}

void Proxy::close_idle_clients() {
  is_closing_idle_ = true;
  wire::InboundConnection* next = nullptr;
  for (wire::InboundConnection* connection = connections_.front(); connection != nullptr;
       connection = next) {
    next = connections_.after(*connection);
    connection->close_if_idle();
  }
}

void Proxy::cut_all() {
  while (Exchange* exchange = exchanges_.front()) exchange->cut(Failure::drain_deadline);
  while (wire::InboundConnection* connection = connections_.front()) connection->cut();
}

std::vector<observe::RequestInFlight> Proxy::requests_in_flight(std::size_t most) const {
  std::vector<observe::RequestInFlight> requests;
  // In order of their heads, which is that of their age but for slow heads.
  for (Exchange& exchange : exchanges_) {
    if (requests.size() == most) break;
    requests.push_back(exchange.in_flight());
  }
  return requests;
}

bool Proxy::is_timed() const {
  for (Exchange& exchange : exchanges_)
    if (!exchange.is_timed()) return false;
  for (wire::InboundConnection& connection : connections_)
    if (!connection.is_timed()) return false;
  return true;
}

}  // namespace weir::proxy
