// Where weir listens: at start, and as reloads change it. Sockets are opened before anything else
// changes, so that a reload that cannot have one keeps everything as it was.
#include <utility>

#include "control.h"
#include "version.h"

namespace weir::server {

// A machine without IPv6: both families are IPv4 alone. At start, or on the builder thread.
Result<net::ListeningSocket> Control::open_socket(const config::BindAddress& bind,
                                                  net::ListenOptions options) {
  options.is_ipv6_only = !bind.is_any_family;
  Result<net::ListeningSocket> socket = inherited_.take_or_open(bind, options);
  if (socket.ok() || !bind.is_any_family) return socket;
  Endpoint v4{IpAddress::v4(0, bind.endpoint.ip.port()), {}};
  Result<net::ListeningSocket> retried = net::ListeningSocket::open(v4, options);
  if (retried.ok()) return retried;
  return socket;
}

std::optional<StartError> Control::listen(const config::Config& config) {
  SocketPlan plan = plan_sockets(config, {}, [this](const auto& bind, const auto& options) {
    return open_socket(bind, options);
  });
  inherited_ = {};  // it knows them by the configuration's own objects
  std::string all;
  for (const SocketProblem& problem : plan.problems)
    all.append(all.empty() ? "weir: " : "\nweir: ").append(problem.message);
  if (!all.empty()) return StartError{std::move(all)};
  for (const std::string& warning : plan.warnings)
    log_.warn("the admin interface does not listen on one of its addresses", {{"reason", warning}});
  adopt_sockets(std::move(plan));
  door_change_ = {};  // workers begin with all of them
  return std::nullopt;
}

void Control::adopt_sockets(SocketPlan plan) {
  door_change_ = listeners_.adopt(std::move(plan), group_.series->listeners, worker_count_);
}

// Every worker knows the addresses of the version that was published, so that clients may come.
void Control::change_doors() {
  if (door_change_.is_empty() || state_ == admin::ServiceState::kDraining)
    return finish_publication();
  renew_admin_doors();
  unpublished_ = worker_count_;
  for (const std::unique_ptr<Worker>& worker : group_.workers)
    worker->change_doors(door_change_.opened, door_change_.closed, [this] {
      loop_.post([this] {
        if (--unpublished_ == 0) on_doors_changed();
      });
    });
}

// From here on no worker gets a client of a closed address from another one.
void Control::on_doors_changed() {
  Listeners::Change change = std::exchange(door_change_, {});
  auto say = [this](std::string_view what, const std::vector<Listeners::Change::Line>& lines) {
    for (const Listeners::Change::Line& line : lines)
      log_.info(what, {{"listener", line.listener}, {"address", line.address}});
  };
  say("listening", change.gained);
  say("no longer listening", change.lost);
  for (const ClosedListener& closed : change.closed)
    for (const std::unique_ptr<Worker>& worker : group_.workers)
      worker->when_left(closed.address, [this, address = closed.address] {
        loop_.post([this, address] { listeners_.on_left(address, group_.series->listeners); });
      });
  finish_publication();
}

std::string Control::first_address(Use use) const {
  for (const Listeners::Socket& socket : listeners_.sockets())
    if (socket.claim.use == use) return socket.socket->endpoint().text();
  return {};
}

}  // namespace weir::server
