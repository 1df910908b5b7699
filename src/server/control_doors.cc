// Where the admin interface listens, and who may come in.
#include <utility>

#include "control.h"
#include "version.h"

namespace weir::server {

std::optional<Error> Control::open_admin(const config::Config& config) {
  for (const Listeners::Socket& socket : listeners_.sockets()) {
    const Endpoint& at = socket.socket->endpoint();
    bool is_open = !at.is_unix() && !at.ip.is_loopback() && config.admin.tokens.empty();
    if (socket.claim.use == Use::kAdmin && is_open)  // bind was checked; a passed socket was not
      return Error{"weir: admin: the passed socket listens on " + at.text() +
                   ", which needs [admin] token_file"};
  }
  access_ = make_access(config);
  admin_ = std::make_unique<admin::AdminServer>(context_, static_cast<admin::AdminSource&>(*this),
                                                wire::InboundSettings{}, access_, shares_.admin);
  renew_admin_doors();
  return std::nullopt;
}

// Connections belong to the server and outlive the door by which they came in.
void Control::renew_admin_doors() {
  std::map<std::uint64_t, std::unique_ptr<AdminDoor>> before = std::exchange(admin_doors_, {});
  for (const Listeners::Socket& socket : listeners_.sockets()) {
    if (socket.claim.use == Use::kClients) continue;
    std::unique_ptr<AdminDoor>& door = admin_doors_[socket.id];
    if (auto known = before.find(socket.id); known != before.end()) door = std::move(known->second);
    if (door != nullptr) continue;
    admin::Door kind = socket.claim.use == Use::kMetrics     ? admin::Door::kMetrics
                       : socket.socket->endpoint().is_unix() ? admin::Door::kUnix
                                                             : admin::Door::kTcp;
    door = std::make_unique<AdminDoor>(loop_, log_, *admin_, *socket.socket, kind);
  }
}

std::shared_ptr<const admin::Access> Control::make_access(const config::Config& config) const {
  auto access = std::make_shared<admin::Access>();
  access->hosts = config.admin.hosts;
  access->tokens = config.admin.tokens;
  bool is_open_to_others = false;
  for (const Listeners::Socket& socket : listeners_.sockets()) {
    const Endpoint& at = socket.socket->endpoint();
    if (socket.claim.use == Use::kAdmin && !at.is_unix() && !at.ip.is_loopback())
      is_open_to_others = true;
  }
  // A reload that drops the tokens while a socket that was passed needs them.
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

// Once for each change of it.
void Control::say_stale(const table::Stale& stale) {
  std::string what = stale.text();
  if (what == std::exchange(said_stale_, what)) return;
  if (what.empty())
    log_.info("nothing is held back any more");
  else
    log_.warn("files have lost too much at once", {{"stale", what}});
}

}  // namespace weir::server
