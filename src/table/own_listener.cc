#include "own_listener.h"

#include <algorithm>

namespace weir::table {
namespace {

// The kernel takes a connection to 0.0.0.0 or [::] as one to this machine.
bool is_this_machine(const IpAddress& address) {
  return address.is_loopback() || address.is_unspecified();
}

bool is_reached(const config::BindAddress& bind, const Endpoint& backend) {
  if (bind.endpoint.is_unix() || backend.is_unix()) {
    return bind.endpoint.is_unix() && bind.endpoint.unix_path == backend.unix_path;
  }
  const IpAddress& listener = bind.endpoint.ip;
  if (listener.port() != backend.ip.port() || listener.port() == 0) return false;
  if (bind.is_any_family) return is_this_machine(backend.ip);
  if (listener.is_v6() != backend.ip.is_v6()) return false;
  if (listener.is_unspecified()) return is_this_machine(backend.ip);
  return listener == backend.ip || (backend.ip.is_unspecified() && listener.is_loopback());
}

}  // namespace

std::optional<std::string> find_own_listener(const config::Config& config,
                                             const Endpoint& backend) {
  auto is_among = [&backend](const std::vector<config::BindAddress>& binds) {
    return std::any_of(binds.begin(), binds.end(),
                       [&backend](const auto& bind) { return is_reached(bind, backend); });
  };
  for (const config::ListenerConfig& listener : config.listeners) {
    if (is_among(listener.bind)) return listener.name;
  }
  if (is_among(config.admin.bind)) return "admin";
  if (is_among(config.metrics.bind)) return "metrics";
  return std::nullopt;
}

std::string problem_of_backend(const config::Config& config, const Endpoint& backend) {
  std::optional<std::string> listener = find_own_listener(config, backend);
  if (!listener.has_value()) return {};
  return "backend " + backend.text() + " is weir's own listener \"" + *listener + "\"" +
         (*listener == "admin" ? " (it is not for clients" : " (a loop") +
         ": expected the address where the application listens)";
}

}  // namespace weir::table
