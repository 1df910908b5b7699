#include "listeners.h"

#include <algorithm>
#include <utility>

namespace weir::server {

namespace {

Listeners::Change::Line line_of(const Listeners::Socket& socket) {
  return {socket.claim.listener, socket.socket->endpoint().text()};
}

}  // namespace

std::vector<OpenSocket> Listeners::open_sockets() const {
  std::vector<OpenSocket> open;
  for (const Socket& socket : sockets_)
    open.push_back({socket.id, socket.claim, false, socket.socket});
  for (const Socket& socket : free_) open.push_back({socket.id, socket.claim, true, socket.socket});
  return open;
}

std::uint32_t Listeners::take_address(const Claim& claim, const Endpoint& endpoint,
                                      observe::SeriesRegistry<observe::ListenerNumbers>& series) {
  auto free = std::find_if(addresses_.begin(), addresses_.end(),
                           [](const Address& address) { return address.listener.empty(); });
  if (free == addresses_.end()) free = addresses_.emplace(addresses_.end());
  *free = {claim.listener, endpoint.ip.port(), {}, series.claim(claim.listener), 0};
  return static_cast<std::uint32_t>(free - addresses_.begin());
}

Listeners::Change Listeners::adopt(SocketPlan plan,
                                   observe::SeriesRegistry<observe::ListenerNumbers>& series,
                                   unsigned workers) {
  Change change;
  std::vector<Socket> before = std::exchange(sockets_, {});
  std::vector<Socket> were_free = std::exchange(free_, {});
  std::vector<std::uint64_t> taken_over;
  for (PlannedSocket& planned : plan.sockets) {
    auto has_id = [&](const Socket& socket) { return planned.kept == socket.id; };
    auto kept = std::find_if(before.begin(), before.end(), has_id);
    auto freed = std::find_if(were_free.begin(), were_free.end(), has_id);
    bool is_held = kept != before.end();
    Socket socket;
    if (is_held && is_same_owner(kept->claim, planned.claim)) {
      socket = std::move(*kept);
      before.erase(kept);
      if (socket.claim.defers != planned.claim.defers)
        socket.socket->configure(options_of(planned.claim));
      socket.claim = std::move(planned.claim);
      sockets_.push_back(std::move(socket));
      continue;
    }
    if (is_held || freed != were_free.end()) {
      socket.socket = is_held ? kept->socket : freed->socket;
      socket.socket->configure(options_of(planned.claim));
      if (is_held)
        taken_over.push_back(kept->id);
      else
        were_free.erase(freed);
    } else {
      socket.socket = std::make_shared<net::ListeningSocket>(std::move(*planned.opened));
    }
    socket.id = ++last_id_;
    socket.claim = std::move(planned.claim);
    if (socket.claim.use == Use::kClients) {
      socket.address = take_address(socket.claim, socket.socket->endpoint(), series);
      change.opened.push_back({socket.address, socket.socket});
    }
    change.gained.push_back(line_of(socket));
    sockets_.push_back(std::move(socket));
  }
  free_ = std::move(were_free);
  for (Socket& socket : before) {
    bool goes_on = std::find(taken_over.begin(), taken_over.end(), socket.id) != taken_over.end();
    lose(std::move(socket), goes_on, workers, change);
  }
  return change;
}

void Listeners::lose(Socket socket, bool goes_on, unsigned workers, Change& change) {
  if (socket.claim.use == Use::kClients) {
    addresses_[socket.address].workers_left = workers;
    change.closed.push_back({socket.address, !goes_on});
    // Clients whose first bytes the kernel waits for shall get to the queue before it closes.
    if (!goes_on) socket.socket->stop_deferring();
  }
  change.lost.push_back(line_of(socket));
  if (!goes_on && socket.socket->is_inherited()) free_.push_back(std::move(socket));
}

void Listeners::on_left(std::uint32_t address,
                        observe::SeriesRegistry<observe::ListenerNumbers>& series) {
  if (--addresses_[address].workers_left > 0) return;
  addresses_[address] = {};
  series.retain([this](const std::string& name) {
    return std::any_of(addresses_.begin(), addresses_.end(),
                       [&](const Address& other) { return other.listener == name; });
  });
}

std::vector<proxy::ListenerSettings> Listeners::settings(const config::Config& config) {
  std::vector<proxy::ListenerSettings> all;
  for (Address& address : addresses_) {
    // One that is closed keeps what it had last.
    for (const config::ListenerConfig& entry : config.listeners) {
      if (entry.name != address.listener) continue;
      address.trust.trusted_proxies = entry.trusted_proxies;
      address.trust.client_ip_from = entry.client_ip_from == config::ClientIpFrom::kForwarded
                                         ? http::ClientIpFrom::kForwarded
                                         : http::ClientIpFrom::kXForwardedFor;
      address.trust.upgrades = entry.upgrades;
    }
    proxy::ListenerSettings settings;
    settings.name = address.listener;
    settings.port = address.port;
    settings.trust = address.trust;
    settings.series = address.series;
    settings.is_leaving = address.workers_left > 0;
    all.push_back(std::move(settings));
  }
  return all;
}

std::vector<BoundListener> Listeners::doors() const {
  std::vector<BoundListener> doors;
  for (const Socket& socket : sockets_)
    if (socket.claim.use == Use::kClients) doors.push_back({socket.address, socket.socket});
  return doors;
}

void Listeners::close_for_clients() {
  std::erase_if(sockets_, [](const Socket& socket) { return socket.claim.use == Use::kClients; });
}

}  // namespace weir::server
