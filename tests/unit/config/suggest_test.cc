#include "src/config/suggest.h"

#include <doctest/doctest.h>

#include <initializer_list>
#include <string>
#include <vector>

using weir::config::suggest;

namespace {

std::string_view meant(std::string_view word, std::initializer_list<std::string_view> legal) {
  std::vector<std::string_view> words(legal);
  // The answers point into string literals.
  return suggest(word, words);
}

}  // namespace

TEST_CASE("a slip of the fingers finds its word") {
  CHECK(meant("balence", {"backends", "balance"}) == "balance");
  CHECK(meant("ablance", {"backends", "balance"}) == "balance");
  CHECK(meant("max-idle", {"max_idle", "max_in_flight"}) == "max_idle");
  CHECK(meant("maxIdle", {"max_idle", "max_in_flight"}) == "max_idle");
  CHECK(meant("retry", {"retries", "host"}) == "retries");
  CHECK(meant("hots", {"host", "path"}) == "host");
  CHECK(meant("Host", {"host", "path"}) == "host");
}

TEST_CASE("what is near nothing gets no suggestion") {
  CHECK(meant("zebra", {"host", "path", "pool"}).empty());
  CHECK(meant("x", {"host", "path", "pool"}).empty());
  CHECK(meant("", {"host", "path", "pool"}).empty());
  CHECK(meant("a", {}).empty());
  CHECK(meant(std::string(1000, 'a'), {"host"}).empty());
}

TEST_CASE("other proxies' words mean what is legal at the place") {
  CHECK(meant("maxconn", {"max_in_flight", "host"}) == "max_in_flight");
  CHECK(meant("maxconn", {"max_connections", "workers"}) == "max_connections");
  CHECK(meant("leastconn", {"least_loaded", "round_robin", "least_requests"}) == "least_requests");
  CHECK(meant("roundrobin", {"least_loaded", "round_robin", "least_requests"}) == "round_robin");
  CHECK(meant("proxy_pass", {"host", "path", "pool"}) == "pool");
  CHECK(meant("server_name", {"host", "hosts", "path"}) == "host");
  CHECK(meant("location", {"host", "hosts", "path"}) == "path");
  CHECK(meant("servers", {"backends", "balance"}) == "backends");
  CHECK(meant("upstream", {"backends", "balance"}) == "backends");
  CHECK(meant("upstream", {"server", "pool"}) == "pool");
  CHECK(meant("listen", {"bind", "upgrades"}) == "bind");
  CHECK(meant("worker_processes", {"workers", "name"}) == "workers");
  CHECK(meant("client_max_body_size", {"body_bytes", "headers"}) == "body_bytes");
}

TEST_CASE("timeouts are found behind any ornament") {
  std::initializer_list<std::string_view> legal = {"connect", "response_head", "request_head",
                                                   "tunnel_idle"};
  for (const char* word :
       {"timeout connect", "timeout_connect", "connect_timeout", "connect-timeout",
        "proxy_connect_timeout", "connectTimeout", "dialTimeout"}) {
    CAPTURE(word);
    CHECK(meant(word, legal) == "connect");
  }
  CHECK(meant("timeout server", legal) == "response_head");
  CHECK(meant("proxy_read_timeout", legal) == "response_head");
  CHECK(meant("timeout http-request", legal) == "request_head");
  CHECK(meant("timeout tunnel", legal) == "tunnel_idle");
}
