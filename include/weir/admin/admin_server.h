#pragma once
// The admin interface (CONTRACT §3) on connections that are given to it. Its pages are rows of
// pages.def. One per process, on Control's loop and thread; destroying it closes its connections
// (not from inside one of their events).
#include <cstddef>
#include <memory>
#include <unordered_map>

#include "weir/admin/access.h"
#include "weir/admin/admin_source.h"
#include "weir/net/stream.h"
#include "weir/wire/context.h"
#include "weir/wire/inbound.h"

namespace weir::admin {

// Connections at once: enough for every watcher, and far from what would take descriptors away from
// clients. Those that come by Door::kMetrics may be half as many. One more makes those close that
// wait between requests; when there are none it is refused.
inline constexpr std::size_t kMaxAdminConnections = 128;
// The most that is read of a request's body: none has a meaning yet.
inline constexpr std::size_t kMaxAdminBodyBytes = 64 * 1024;

class AdminServer final : private wire::InboundOwner {
 public:
  // `context` (of Control's loop) and `source` outlive it.
  AdminServer(wire::Context& context, AdminSource& source, const wire::InboundSettings& settings,
              std::shared_ptr<const Access> access,
              std::size_t max_connections = kMaxAdminConnections);
  ~AdminServer() override;
  AdminServer(const AdminServer&) = delete;
  AdminServer& operator=(const AdminServer&) = delete;

  void accept(std::unique_ptr<net::Stream> stream, const Arrival& arrival);
  // For the requests from now on, also of connections that are open.
  void set_access(std::shared_ptr<const Access> access) { access_ = std::move(access); }
  // From now on answers say Connection: close; connections without a request close at once. New
  // ones are still accepted: health checks go on until the end.
  void begin_closing();
  std::size_t connection_count() const { return sessions_.size(); }

 private:
  class Session;
  bool is_full(Door door) const;
  void close_idle(Door door);
  template <typename Predicate>
  void cut_where(Predicate is_unwanted);
  const wire::InboundSettings& inbound_settings() const override { return settings_; }
  bool wants_close(const wire::InboundConnection&) const override { return is_closing_; }
  void on_request(wire::InboundConnection& connection, const http::RequestHead& head) override;
  void on_refused(wire::InboundConnection& connection, Failure failure,
                  std::string_view detail) override;
  void on_closed(wire::InboundConnection& connection) override;

  wire::Context& context_;
  // Shared with replies that are due, so that they know when there is nobody to tell any more.
  std::shared_ptr<AdminSource*> source_;
  wire::InboundSettings settings_;
  std::shared_ptr<const Access> access_;
  std::size_t max_connections_;
  bool is_closing_ = false;
  std::unordered_map<const wire::InboundConnection*, std::unique_ptr<Session>> sessions_;
};

}  // namespace weir::admin
