#include "socket_plan.h"

#include <algorithm>

#include "port_holder.h"

namespace weir::server {

namespace {

constexpr int kAdminBacklog = 128;

// A claim with the very object of the configuration, by which sockets that were passed are known.
struct Wanted {
  Claim claim;
  const config::BindAddress* bind;
  config::Place place;
};

std::vector<Wanted> wanted_by(const config::Config& config) {
  std::vector<Wanted> all;
  for (const config::ListenerConfig& listener : config.listeners)
    for (const config::BindAddress& bind : listener.bind)
      all.push_back(
          {{Use::kClients, listener.name, bind, listener.defer_accept}, &bind, listener.place});
  config::Place main{config.main_file, 0, 0};
  for (const config::BindAddress& bind : config.admin.bind)
    all.push_back({{Use::kAdmin, "admin", bind, false}, &bind, main});
  for (const config::BindAddress& bind : config.metrics.bind)
    all.push_back({{Use::kMetrics, "metrics", bind, false}, &bind, main});
  return all;
}

bool is_same_address(const config::BindAddress& a, const config::BindAddress& b) {
  return a.endpoint == b.endpoint && a.is_any_family == b.is_any_family;
}

class Planner {
 public:
  Planner(std::span<const OpenSocket> open, const SocketOpener& opener)
      : open_(open), opener_(opener), is_taken_(open.size()) {}

  SocketPlan plan(const std::vector<Wanted>& wanted) {
    for (const Wanted& one : wanted) plan_.sockets.push_back({one.claim, std::nullopt, {}});
    // Who has an address keeps it, before anybody takes over what is left.
    for (bool by_owner : {true, false})
      for (PlannedSocket& planned : plan_.sockets) keep(planned, by_owner);
    for (std::size_t at = 0; at < wanted.size(); ++at)
      if (!plan_.sockets[at].kept) open(wanted[at], plan_.sockets[at]);
    if (!plan_.problems.empty()) plan_.sockets.clear();  // nobody shall come to them
    std::erase_if(plan_.sockets, [](const PlannedSocket& planned) {
      return !planned.kept.has_value() && !planned.opened.has_value();
    });
    return std::move(plan_);
  }

 private:
  void keep(PlannedSocket& planned, bool by_owner) {
    if (planned.kept) return;
    for (std::size_t at = 0; at < open_.size(); ++at) {
      const Claim& held = open_[at].claim;
      if (is_taken_[at] || !is_same_address(held.bind, planned.claim.bind)) continue;
      if (by_owner && (open_[at].is_free || !is_same_owner(held, planned.claim))) continue;
      planned.kept = open_[at].id;
      is_taken_[at] = true;
      return;
    }
  }

  void open(const Wanted& wanted, PlannedSocket& planned) {
    net::ListenOptions options = options_of(wanted.claim);
    Result<net::ListeningSocket> socket = opener_(*wanted.bind, options);
    if (!socket.ok() && let_leaving_share(*wanted.bind, true)) {
      options.shares_port = true;
      socket = opener_(*wanted.bind, options);
      let_leaving_share(*wanted.bind, false);
    }
    if (socket.ok()) {
      planned.opened.emplace(std::move(socket).value());
      return;
    }
    const std::string& error = socket.error().message;
    // The default of [admin] names both loopbacks; a machine without IPv6 has one.
    bool is_dispensable = wanted.claim.use == Use::kAdmin && wanted.bind->endpoint.ip.is_v6() &&
                          has_admin() && error.find("in use") == std::string::npos;
    if (is_dispensable) {
      plan_.warnings.push_back(error);
      return;
    }
    bool is_listener = wanted.claim.use == Use::kClients;
    std::string owner =
        is_listener ? "listener \"" + wanted.claim.listener + "\"" : wanted.claim.listener;
    plan_.problems.push_back({wanted.place, cannot_listen(owner, wanted.bind->endpoint, error)});
  }

  bool has_admin() const {
    return std::any_of(plan_.sockets.begin(), plan_.sockets.end(), [](const auto& planned) {
      return planned.claim.use == Use::kAdmin && (planned.kept || planned.opened);
    });
  }

  // Those with that port that the configuration does not want any more: ":80" may make place for
  // "127.0.0.1:80" without a moment in which nobody listens.
  bool let_leaving_share(const config::BindAddress& bind, bool may_share) {
    bool is_any = false;
    for (std::size_t at = 0; at < open_.size(); ++at) {
      std::shared_ptr<net::ListeningSocket> socket = open_[at].socket.lock();
      if (is_taken_[at] || socket == nullptr || socket->endpoint().is_unix()) continue;
      if (bind.endpoint.is_unix() || socket->endpoint().ip.port() != bind.endpoint.ip.port())
        continue;
      socket->let_share(may_share);
      is_any = true;
    }
    return is_any;
  }

  std::span<const OpenSocket> open_;
  const SocketOpener& opener_;
  std::vector<bool> is_taken_;
  SocketPlan plan_;
};

}  // namespace

net::ListenOptions options_of(const Claim& claim) {
  net::ListenOptions options;
  options.is_ipv6_only = !claim.bind.is_any_family;
  if (claim.defers) options.defer_accept = std::chrono::seconds(1);
  if (claim.use != Use::kClients) options.backlog = kAdminBacklog;
  return options;
}

SocketPlan plan_sockets(const config::Config& config, std::span<const OpenSocket> open,
                        const SocketOpener& opener) {
  return Planner(open, opener).plan(wanted_by(config));
}

}  // namespace weir::server
