#pragma once
// Who may use the admin interface: settings of it, which a reload replaces, and what is known of
// one connection. Pure values.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "weir/base/address.h"
#include "weir/config/config.h"

namespace weir::admin {

struct Access {
  std::vector<std::string> hosts;  // lower case; Host names beside IP addresses and localhost
  // Not empty: requests need one, but for /healthz, /readyz and what comes through a Unix socket.
  // Empty: whoever is on this machine may do everything, and nobody else.
  std::vector<config::AdminToken> tokens;
};

enum class Door : std::uint8_t {
  kTcp,
  kUnix,     // who may open its path is who may come in
  kMetrics,  // for anybody: /metrics, /healthz and /readyz, nothing else
};

// Where a connection came from.
struct Arrival {
  Door door = Door::kTcp;
  IpAddress peer;                    // unspecified for a Unix socket
  std::optional<std::uint32_t> uid;  // at the other end of a Unix socket
};

// "127.0.0.1", "uid=1000", "unix"
std::string text_of(const Arrival& arrival);

}  // namespace weir::admin
