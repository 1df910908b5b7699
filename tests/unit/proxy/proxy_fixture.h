#pragma once
// A whole Proxy between clients and backends in memory, under virtual time.
#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/fake_clock.h"
#include "tests/support/fake_stream.h"
#include "tests/support/pool_settings.h"
#include "tests/unit/backend/fake_connector.h"
#include "weir/proxy/proxy.h"

namespace weir::proxy {

// What the access log would get, kept beyond the call.
struct Line {
  int status;
  std::string failure, phase, pool, backend, method, path, request_id;
  unsigned tries;
  bool is_reused;
  std::uint64_t bytes_in, bytes_out;
};

struct World {
  World() {
    settings->listeners.emplace_back().name = "public";
    settings->listeners[0].port = 80;
    settings->listeners[0].trust.upgrades = {"chat"};
    settings->logs_requests = true;
    pool.name = "web";
    test::own_settings(pool).balance = config::Balance::kRoundRobin;
    proxy.emplace(Proxy::Parts{
        .context = context,
        .connector = connector,
        .rng = rng,
        .log = log,
        .numbers = numbers,
        .series = series,
        .log_request = [this](const observe::RequestRecord& record) { remember(record); },
        .on_connection_closed = {}});
    proxy->set_settings(settings);
    add_backend(9001);
    publish();
  }
  ~World() {
    CHECK(proxy->is_timed());
    proxy.reset();
    for (const auto& backend : known) CHECK(backend->in_flight() == 0);
    CHECK(numbers.requests_in_flight() == 0);
    CHECK(listener().connections_open() == 0);
    CHECK(connector.pending_count() == 0);
    CHECK_FALSE(scheduler.next_deadline().has_value());
  }

  observe::ListenerNumbers& listener() { return series.listeners.claim("public")->of(0); }
  void add_backend(std::uint16_t port) {
    Endpoint endpoint;
    endpoint.ip = IpAddress::v4(0x7f000001, port);
    pool.backends.push_back(std::make_shared<backend::Backend>("web", endpoint, 1));
    known.push_back(pool.backends.back());
  }
  struct Published {
    std::weak_ptr<const route::RouteTable> routes;
    std::weak_ptr<const backend::PoolSet> pools;
  };
  // The pool as it is now, and a route of every host to it.
  Published publish(bool has_pool = true) {
    route::RouteTableEditor editor(1);
    if (has_pool) 
      editor.set({"*", "", {}},
                 {editor.add_route(std::make_shared<const route::Route>(route::Route{"all"})), 0});
    std::vector<std::shared_ptr<const backend::PoolSpec>> pools;
    pools.push_back(has_pool ? std::make_shared<backend::PoolSpec>(pool) : nullptr);
    std::shared_ptr<const route::RouteTable> routes = editor.publish();
    auto set = std::make_shared<const backend::PoolSet>(std::move(pools));
    proxy->set_tables(routes, set);
    scheduler.drain_retired();
    return {routes, set};
  }
  // A client that sent `bytes`.
  test::FakePeer& client(std::string_view bytes = "") {
    clients.push_back(std::make_unique<test::FakePeer>(scheduler));
    proxy->accept(clients.back()->stream(), IpAddress::v4(0xc0000201, 4711), 0);
    if (!bytes.empty()) clients.back()->send(bytes);
    return *clients.back();
  }
  // The connect under way succeeds; the backend's end of it.
  test::FakePeer& connect() { return connector.succeed(); }
  void advance(Duration by) {
    clock.advance(scheduler, by);
    CHECK(proxy->is_timed());
  }
  const Line& last() {
    REQUIRE_FALSE(lines.empty());
    return lines.back();
  }
  std::uint64_t failures(Failure failure) const {
    return numbers.failures[static_cast<std::size_t>(failure)].get();
  }

  test::FakeClock clock;
  net::Scheduler scheduler{clock};
  wire::Context context{scheduler};
  test::FakeConnector connector{scheduler};
  Rng rng{1};
  Log log{LogLevel::kError, 2, clock};
  observe::WorkerNumbers numbers;
  observe::SharedSeries series{1, 1000};
  std::shared_ptr<Settings> settings = std::make_shared<Settings>();
  backend::PoolSpec pool;
  std::vector<std::shared_ptr<backend::Backend>> known;
  std::vector<std::unique_ptr<test::FakePeer>> clients;
  std::vector<Line> lines;
  std::optional<Proxy> proxy;

 private:
  void remember(const observe::RequestRecord& record) {
    CHECK(record.listener == "public");
    lines.push_back({record.status, record.failure ? std::string(row_of(*record.failure).name) : "",
                     std::string(observe::name_of(record.phase)), std::string(record.pool),
                     std::string(record.backend), std::string(record.method),
                     std::string(record.path), std::string(record.request_id), record.tries,
                     record.is_reused, record.bytes_in, record.bytes_out});
  }
};

inline std::string get(std::string_view target = "/", std::string_view fields = "") {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "\r\n";
}
inline std::string post(std::string_view body, std::size_t length) {
  return "POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(length) + "\r\n\r\n" +
         std::string(body);
}
inline std::string post(std::string_view body) { return post(body, body.size()); }
inline std::string ok(std::string_view body = "hello") {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         std::string(body);
}
inline bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}
inline std::string body_of(std::string_view message) {
  return std::string(message.substr(message.find("\r\n\r\n") + 4));
}

}  // namespace weir::proxy
