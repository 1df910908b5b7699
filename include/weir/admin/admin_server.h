#pragma once
// The admin interface (CONTRACT §3) on connections that are given to it. Its pages are rows of
// pages.def. One per process, on Control's loop and thread; destroying it closes its connections
// (not from inside one of their events).
#include <cstddef>
#include <memory>
#include <unordered_map>

#include "weir/admin/admin_source.h"
#include "weir/base/address.h"
#include "weir/net/stream.h"
#include "weir/wire/context.h"
#include "weir/wire/inbound.h"

namespace weir::admin {

// Connections at once: enough for every watcher, and far from what would take descriptors away from
// clients. One more makes those close that wait between requests; when there are none it is
// refused.
inline constexpr std::size_t kMaxAdminConnections = 128;
// The most that is read of a request's body: none has a meaning yet.
inline constexpr std::size_t kMaxAdminBodyBytes = 64 * 1024;

class AdminServer final : private wire::InboundOwner {
 public:
  // `context` (of Control's loop) and `source` outlive it.
  AdminServer(wire::Context& context, const AdminSource& source,
              const wire::InboundSettings& settings,
              std::size_t max_connections = kMaxAdminConnections);
  ~AdminServer() override;
  AdminServer(const AdminServer&) = delete;
  AdminServer& operator=(const AdminServer&) = delete;

  // `peer`: unspecified for a Unix socket.
  void accept(std::unique_ptr<net::Stream> stream, const IpAddress& peer);
  // From now on answers say Connection: close; connections without a request close at once. New
  // ones are still accepted: health checks go on until the end.
  void begin_closing();
  std::size_t connection_count() const { return sessions_.size(); }

 private:
  class Session;
  void close_idle();
  const wire::InboundSettings& inbound_settings() const override { return settings_; }
  bool wants_close() const override { return is_closing_; }
  void on_request(wire::InboundConnection& connection, const http::RequestHead& head) override;
  void on_refused(wire::InboundConnection& connection, Failure failure,
                  std::string_view detail) override;
  void on_closed(wire::InboundConnection& connection) override;

  wire::Context& context_;
  const AdminSource& source_;
  wire::InboundSettings settings_;
  std::size_t max_connections_;
  bool is_closing_ = false;
  std::unordered_map<const wire::InboundConnection*, std::unique_ptr<Session>> sessions_;
};

}  // namespace weir::admin
