#pragma once
// A request that is under way, as lists for administrators show it. A copy: made on the worker's
// thread, read on Control's.
#include <cstdint>
#include <string>
#include <string_view>

#include "weir/base/address.h"
#include "weir/base/time.h"

namespace weir::observe {

struct RequestInFlight {
  std::string listener;
  IpAddress client;    // the identity that forwarding uses; unspecified: a Unix socket
  std::string method;  // these four are cut when they are long
  std::string host;
  std::string path;  // raw, without the query
  std::string route;
  std::string pool;             // empty: none was chosen
  std::string backend;          // address of the last attempt; empty: none yet
  std::string_view state;       // proxy::name_of(ExchangeState): a constant
  Duration age{};               // since the request's first byte
  std::uint64_t bytes_in = 0;   // of the request's body so far
  std::uint64_t bytes_out = 0;  // of the response's body, or out of the tunnel
  unsigned tries = 0;
  std::string request_id;
};

}  // namespace weir::observe
