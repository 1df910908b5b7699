#pragma once
// A backend connection that can be kept: the wire, its place in the lists of idle ones, its idle
// timer. While idle it watches itself: any byte or end closes it (R22).
#include "weir/backend/connections.h"
#include "weir/net/timer.h"

namespace weir::backend {

struct LruTag {};

class PooledConnection final : public ListNode<PooledConnection>,
                               public ListNode<LruTag>,
                               private wire::OutboundObserver {
 public:
  PooledConnection(BackendConnections& owner, wire::Context& context,
                   std::unique_ptr<net::Stream> stream)
      : connection(context, std::move(stream)),
        owner_(owner),
        timer_(net::Timer::bind<&PooledConnection::on_idle_timeout>(this)) {}

  wire::OutboundConnection connection;

  // Becomes idle at `now`; closes itself after `limit`.
  void begin_idle(std::shared_ptr<LocalBackend> backend, net::Scheduler& scheduler, Duration limit,
                  bool had_body);
  std::shared_ptr<LocalBackend> end_idle();
  LocalBackend& backend() const { return *backend_; }
  TimePoint idle_since() const { return idle_since_; }
  bool had_body() const { return had_body_; }  // the last request

 private:
  void on_idle_timeout();
  void on_idle_event() override;
  // Nothing else can come while no request is under way.
  void on_informational(const http::ResponseHead&) override {}
  void on_head(const http::ResponseHead&) override {}
  void on_body(std::string_view) override {}
  void on_response_end(const http::Fields&) override {}
  void on_failure(const wire::OutboundFailure&) override {}
  void on_backend_progress(std::size_t) override {}
  void on_response_read_done() override {}

  BackendConnections& owner_;
  std::shared_ptr<LocalBackend> backend_;  // while idle
  net::Timer timer_;
  TimePoint idle_since_{};
  bool had_body_ = false;
};

struct BackendConnections::Lru {
  IntrusiveList<PooledConnection, LruTag> list;  // most recently used first
};

}  // namespace weir::backend
