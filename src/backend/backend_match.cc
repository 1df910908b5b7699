#include "backend_match.h"

namespace weir::backend {

std::optional<BackendMatch> BackendMatch::parse(std::string_view text) {
  BackendMatch match;
  if (Result<IpAddress> machine = IpAddress::parse(text); machine.ok()) {
    match.endpoint_.ip = *machine;
    return match;
  }
  Result<Endpoint> endpoint = Endpoint::parse(text);
  if (!endpoint.ok()) return std::nullopt;
  match.endpoint_ = std::move(endpoint).value();
  return match;
}

bool BackendMatch::matches(const Endpoint& endpoint) const {
  bool is_machine = !endpoint_.is_unix() && endpoint_.ip.port() == 0;
  if (!is_machine) return endpoint == endpoint_;
  return !endpoint.is_unix() && endpoint.ip.with_port(0) == endpoint_.ip;
}

bool BackendMatch::covers(const BackendMatch& other) const { return matches(other.endpoint_); }

}  // namespace weir::backend
