#pragma once
// Which sockets a configuration listens on, seen from those that are open: what it keeps, what one
// listener takes over from another, and what is opened anew. Nobody accepts yet, and nothing that
// is open changes, so that a plan with problems can be dropped. Main thread at start, builder
// thread on reloads.
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "weir/config/config.h"
#include "weir/net/listener.h"

namespace weir::server {

enum class Use : std::uint8_t { kClients, kAdmin, kMetrics };

// What an address is for.
struct Claim {
  Use use = Use::kClients;
  std::string listener;  // "admin" and "metrics" are called so
  config::BindAddress bind;
  bool defers = false;  // defer_accept
};

// One that is open. Its descriptor may be closed meanwhile, when weir is about to end.
struct OpenSocket {
  std::uint64_t id = 0;
  Claim claim;
  bool is_free = false;  // kept for whoever wants its address again
  std::weak_ptr<net::ListeningSocket> socket;
};

struct PlannedSocket {
  Claim claim;
  std::optional<std::uint64_t> kept;           // the open one that it is
  std::optional<net::ListeningSocket> opened;  // or a new one
};

struct SocketProblem {
  config::Place place;
  std::string message;
};

struct SocketPlan {
  std::vector<PlannedSocket> sockets;   // in order of the configuration
  std::vector<SocketProblem> problems;  // addresses that cannot be had; then the plan is void
  std::vector<std::string> warnings;    // of those that can be done without
};

// Opens a socket for an address of the configuration.
using SocketOpener = std::function<Result<net::ListeningSocket>(const config::BindAddress& bind,
                                                                const net::ListenOptions& options)>;

SocketPlan plan_sockets(const config::Config& config, std::span<const OpenSocket> open,
                        const SocketOpener& opener);

inline bool is_same_owner(const Claim& a, const Claim& b) {
  return a.use == b.use && a.listener == b.listener;
}
// How such a socket accepts.
net::ListenOptions options_of(const Claim& claim);

}  // namespace weir::server
