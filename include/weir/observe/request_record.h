#pragma once
// What a finished request says about itself: the source of its access log line and of its metrics.
// Views live for the call that gets the record.
#include <cstdint>
#include <optional>
#include <string_view>

#include "weir/base/address.h"
#include "weir/base/failure.h"
#include "weir/base/time.h"

namespace weir::observe {

// Where the exchange was when it ended.
enum class Phase : std::uint8_t {
  kHead,
  kRouting,
  kHold,
  kConnect,
  kRequest,
  kResponse,
  kTunnel,
  kDone
};
std::string_view name_of(Phase phase);

// How a line of the access log is written.
enum class AccessFormat : std::uint8_t { kLogfmt, kJson, kCombined };

struct RequestRecord {
  WallTime finished{};
  std::string_view listener;
  IpAddress client;         // the identity that forwarding uses; unspecified: a Unix socket
  std::string_view method;  // empty: not even the request line was understood
  std::string_view scheme;
  std::string_view host;        // as routed by
  std::string_view path;        // raw; with its query where the settings say so
  int minor_version = 1;        // -1: not known
  int status = 0;               // as sent; 0: none was sent (shown as 499 for client_gone, else 0)
  std::uint64_t bytes_in = 0;   // request body
  std::uint64_t bytes_out = 0;  // response body
  Duration duration{};          // first byte of the request until its end
  std::optional<Duration> hold;           // waited for a first verdict about the pool's backends
  std::optional<Duration> connect;        // of the last attempt that opened a connection
  std::optional<Duration> response_head;  // request sent until the final head
  std::string_view route;                 // label; empty: none
  std::string_view pool;
  std::string_view backend;  // address; empty: none was tried
  unsigned tries = 0;        // attempts at backends
  bool is_reused = false;    // the last attempt took a kept-open connection
  std::optional<Failure> failure;
  Phase phase = Phase::kDone;
  std::string_view request_id;
  std::string_view user_agent;
  std::string_view referer;
};

}  // namespace weir::observe
