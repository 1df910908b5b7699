#pragma once
// The proxy on one loop: takes client connections, makes an Exchange for each request, and holds
// what they share. Everything it needs is passed in, so that the simulation runs the same code. One
// per worker, worker thread only.
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "weir/backend/connections.h"
#include "weir/base/intrusive_list.h"
#include "weir/base/log.h"
#include "weir/base/rng.h"
#include "weir/base/sparse_vector.h"
#include "weir/http/forward.h"
#include "weir/net/connector.h"
#include "weir/observe/metrics.h"
#include "weir/observe/request_in_flight.h"
#include "weir/observe/request_record.h"
#include "weir/observe/series.h"
#include "weir/proxy/pages.h"
#include "weir/route/route_table.h"
#include "weir/wire/context.h"
#include "weir/wire/inbound.h"

namespace weir::proxy {

class Exchange;

// What the proxy knows of one address of a listener. Immutable; a reload passes new ones. An address
// that nobody listens on any more stays as long as it has connections.
struct ListenerSettings {
  std::string name;
  http::Scheme scheme = http::Scheme::kHttp;
  std::uint16_t port = 0;
  http::TrustPolicy trust;
  // Its addresses share one; null: that of its name.
  std::shared_ptr<observe::ListenerSeries> series;
  bool is_leaving = false;  // its connections close after the request under way, or the next one
};

// One version of everything that a reload may change. Immutable, shared by workers.
struct Settings {
  std::string server_name = "weir";
  wire::InboundSettings inbound;
  std::vector<ListenerSettings> listeners;  // by bound address
  bool logs_requests = false;
  bool logs_queries = false;           // in the path of those lines
  std::shared_ptr<const Pages> pages;  // one's own for failures; null: none
};

class Proxy final : public wire::InboundOwner {
 public:
  struct Parts {
    wire::Context& context;
    net::Connector& connector;
    Rng& rng;
    Log& log;
    observe::WorkerNumbers& numbers;
    observe::SharedSeries& series;
    unsigned worker = 0;
    std::size_t max_idle_backend_connections = 1024;
    // Where finished requests go when settings.logs_requests; may be empty.
    std::function<void(const observe::RequestRecord&)> log_request;
    // Told after a connection is gone; may be empty.
    std::function<void()> on_connection_closed;
  };
  explicit Proxy(Parts parts);
  ~Proxy() override;

  // Publishes a version; requests under way keep what they took.
  void set_settings(std::shared_ptr<const Settings> settings);
  void set_tables(std::shared_ptr<const route::RouteTable> routes,
                  std::shared_ptr<const backend::PoolSet> pools);
  // Backends of these pools changed their standing (Backend::standing()).
  void look_again(std::span<const backend::PoolId> pools);

  // What is kept for pools that nobody has asked for long goes, some of them at each call: once a
  // second is often enough.
  void collect_unused_pools();

  // A client. `listener` is an index into settings.listeners: the address that it came to.
  void accept(std::unique_ptr<net::Stream> stream, const IpAddress& peer, std::uint32_t listener);

  // Drain: answers carry Connection: close (phase one) …
  void begin_drain() { is_draining_ = true; }
  // (phase one can be taken back) …
  void end_drain() { is_draining_ = false; }
  // … idle connections close, the others when their request is done (phase two) …
  void close_idle_clients();
  // … and what is left is cut and counted (the deadline).
  void cut_all();

  std::size_t connection_count() const { return connection_count_; }
  // Of those, the ones that came to that address.
  std::size_t connection_count(std::uint32_t listener) const {
    return addresses_[listener].connections;
  }
  observe::ListenerNumbers& numbers_of(std::uint32_t listener) {
    return *addresses_[listener].numbers;
  }
  std::size_t exchange_count() const { return exchange_count_; }
  // The `most` oldest requests under way, oldest first.
  std::vector<observe::RequestInFlight> requests_in_flight(std::size_t most) const;
  const backend::BackendConnections& backend_connections() const { return backends_; }
  // Every exchange and connection has the timers that its state demands; for the simulation.
  bool is_timed() const;

 private:
  friend class Exchange;
  const wire::InboundSettings& inbound_settings() const override { return settings_->inbound; }
  bool wants_close(const wire::InboundConnection& connection) const override {
    return is_draining_ || listener_of(connection).is_leaving;
  }
  bool closes_idle() const override { return is_closing_idle_; }
  void on_request(wire::InboundConnection& connection, const http::RequestHead& head) override;
  void on_refused(wire::InboundConnection& connection, Failure failure,
                  std::string_view detail) override;
  void on_closed(wire::InboundConnection& connection) override;
  std::shared_ptr<backend::LocalPool> pool_of(route::PoolId id);
  const std::shared_ptr<observe::RouteSeries>& series_of(const route::Route& route);
  // A request that ended.
  void count_route(observe::RouteSeries& series, int status, Duration duration,
                   std::optional<Failure> failure);
  // What the wall's clock shows at `now`, which is hardly past. It is asked once a second.
  WallTime wall_at(TimePoint now);
  void on_exchange_done(Exchange& exchange);
  const ListenerSettings& listener_of(const wire::InboundConnection& connection) const {
    return settings_->listeners[connection.listener()];
  }
  observe::ListenerNumbers& numbers_of(const wire::InboundConnection& connection) {
    return numbers_of(connection.listener());
  }

  Parts parts_;
  backend::BackendConnections backends_;
  std::shared_ptr<const Settings> settings_;
  std::shared_ptr<const route::RouteTable> routes_;
  std::shared_ptr<const backend::PoolSet> pool_specs_;
  SparseVector<std::shared_ptr<backend::LocalPool>> pools_;  // by id; made on first request
  std::size_t next_collected_ = 0;  // chunk of pools_
  std::shared_ptr<observe::RouteSeries> no_route_series_;
  SparseVector<std::shared_ptr<observe::RouteSeries>> route_series_;  // by label id; as claimed
  struct Address {
    observe::ListenerNumbers* numbers = nullptr;  // of `series`
    std::size_t connections = 0;
    std::shared_ptr<observe::ListenerSeries> series;
  };
  std::vector<Address> addresses_;  // as settings_->listeners
  IntrusiveList<wire::InboundConnection> connections_;
  IntrusiveList<Exchange> exchanges_;
  std::size_t connection_count_ = 0;
  std::size_t exchange_count_ = 0;
  bool is_draining_ = false;
  bool is_closing_idle_ = false;
  std::string path_scratch_;
  Duration wall_ahead_{};  // of the steady clock
  TimePoint wall_is_good_until_{};
};

}  // namespace weir::proxy
