// Where the admin interface listens, and who may come in.
#include "control.h"
#include "port_holder.h"
#include "version.h"

namespace weir::server {

// A machine without IPv6: both families are IPv4 alone.
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

std::optional<Error> Control::bind_admin(const config::Config& config) {
  net::ListenOptions options;
  options.backlog = 128;
  for (const config::BindAddress& bind : config.admin.bind) {
    Result<net::ListeningSocket> socket = open_socket(bind, options);
    if (socket.ok()) {
      const Endpoint& at = socket->endpoint();
      bool is_open = !at.is_unix() && !at.ip.is_loopback() && config.admin.tokens.empty();
      if (is_open)  // bind was checked; a socket that was passed may be elsewhere
        return Error{"weir: admin: the passed socket listens on " + at.text() +
                     ", which needs [admin] token_file"};
      admin_sockets_.push_back(std::move(socket).value());
      continue;
    }
    // The default names both loopbacks; a machine without IPv6 has one.
    bool is_dispensable = bind.endpoint.ip.is_v6() && !admin_sockets_.empty() &&
                          socket.error().message.find("in use") == std::string::npos;
    if (!is_dispensable)
      return Error{cannot_listen("admin", bind.endpoint, socket.error().message)};
    log_.warn("the admin interface does not listen on one of its addresses",
              {{"reason", socket.error().message}});
  }
  for (const config::BindAddress& bind : config.metrics.bind) {
    Result<net::ListeningSocket> socket = open_socket(bind, options);
    if (!socket.ok()) return Error{cannot_listen("metrics", bind.endpoint, socket.error().message)};
    metrics_sockets_.push_back(std::move(socket).value());
  }
  access_ = make_access(config);
  admin_ = std::make_unique<admin::AdminServer>(context_, static_cast<admin::AdminSource&>(*this),
                                                wire::InboundSettings{}, access_, shares_.admin);
  for (const net::ListeningSocket& socket : admin_sockets_)
    admin_doors_.push_back(std::make_unique<AdminDoor>(
        loop_, log_, *admin_, socket,
        socket.endpoint().is_unix() ? admin::Door::kUnix : admin::Door::kTcp));
  for (const net::ListeningSocket& socket : metrics_sockets_)
    admin_doors_.push_back(
        std::make_unique<AdminDoor>(loop_, log_, *admin_, socket, admin::Door::kMetrics));
  return std::nullopt;
}

std::shared_ptr<const admin::Access> Control::make_access(const config::Config& config) const {
  auto access = std::make_shared<admin::Access>();
  access->hosts = config.admin.hosts;
  access->tokens = config.admin.tokens;
  bool is_open_to_others = false;
  for (const net::ListeningSocket& socket : admin_sockets_)
    if (!socket.endpoint().is_unix() && !socket.endpoint().ip.is_loopback())
      is_open_to_others = true;
  // A reload that drops the tokens together with the address that needed them: that address stays
  // bound until the next start, and so do they.
  if (access->tokens.empty() && is_open_to_others && access_ != nullptr)
    access->tokens = access_->tokens;
  return access;
}

void Control::renew_access(const config::Config& config) {
  access_ = make_access(config);
  admin_->set_access(access_);
}

void Control::say_warnings(const config::Loaded& loaded) {
  for (const config::Diagnostic& warning : loaded.warnings)
    log_.warn("the configuration gives cause for concern",
              {{"place", warning.place.text()}, {"warning", warning.message}});
}

// All of it stands in /api/status; the log has what is new, and not a million lines of it.
void Control::say_quarantine(const table::Builder::Built& built) {
  constexpr std::size_t kMost = 20;
  const table::Quarantine& quarantine = built.tables->quarantine;
  if (built.has_new_quarantine) {
    for (std::size_t at = 0; at < std::min(kMost, quarantine.listed.size()); ++at) {
      const table::Quarantined& entry = quarantine.listed[at];
      std::string served = !entry.is_served.has_value() ? "unknown"
                                : *entry.is_served           ? "as before"
                                                             : "503";
      log_.error("an entry is quarantined", {{"place", entry.place.text()},
                                             {"kind", std::string(config::name_of(entry.kind))},
                                             {"key", entry.key},
                                             {"served", served},
                                             {"error", entry.reason}});
    }
    if (quarantine.size() > kMost)
      log_.error("more entries are quarantined",
                 {{"all", std::to_string(quarantine.size())}, {"see", "GET /api/status"}});
  }
  for (const table::MovedHost& host : built.moved)
    log_.warn("a host moved to another file",
              {{"host", host.host}, {"from", host.from}, {"to", host.to}});
}

}  // namespace weir::server
