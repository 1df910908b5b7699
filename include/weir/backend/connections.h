#pragma once
// BackendConnections hands out connections to backends: a kept-open one at once, or a new one after
// its connect; takes them back when they may be used again. One per worker, worker thread only.
// Idle connections go on being watched: any byte or end closes them (R22). Relations are values:
// destroying a Lease or a Waiter gives everything back.
#include <cstdint>
#include <memory>
#include <variant>

#include "weir/backend/local_pool.h"
#include "weir/base/failure.h"
#include "weir/http/message.h"
#include "weir/net/connector.h"
#include "weir/observe/metrics.h"
#include "weir/wire/outbound.h"

namespace weir::backend {

class BackendConnections;
class PooledConnection;

// A connection in use by one request, and its place in the backend's count.
class Lease {
 public:
  Lease();
  Lease(Lease&&) noexcept;
  Lease& operator=(Lease&&) noexcept;
  // Closes the connection unless release() gave it back. Inside the connection's own callbacks use
  // BackendConnections::discard().
  ~Lease();
  bool is_held() const { return pooled_ != nullptr; }
  wire::OutboundConnection& connection() const;
  LocalBackend& backend() const { return claim_.backend(); }
  bool is_reused() const { return is_reused_; }
  Duration connect_duration() const { return connect_duration_; }  // of a fresh one

 private:
  friend class BackendConnections;
  friend class ConnectWaiter;
  Claim claim_;
  std::unique_ptr<PooledConnection> pooled_;
  bool is_reused_ = false;
  Duration connect_duration_{};
};

class AcquireObserver {
 public:
  virtual ~AcquireObserver() = default;
  // Exactly one of the two; the waiter is over and may be destroyed.
  virtual void on_acquired(Lease lease) = 0;
  virtual void on_acquire_failed(Failure failure) = 0;
};

// A connect under way. Destroying it cancels; no callback follows.
class Waiter {
 public:
  virtual ~Waiter() = default;
};

enum class Reuse : std::uint8_t {
  kAny,         // the request may be repeated: any kept-open connection will do
  kHardlyIdle,  // side effects: only one that the backend cannot be about to close
  kNever,       // fresh (a pool without keepalive, a Unix socket with side effects)
};

struct AcquireOptions {
  Reuse reuse = Reuse::kAny;
  Duration connect_timeout = std::chrono::seconds(2);
};

class BackendConnections {
 public:
  // `max_idle_total`: descriptors that idle connections of all pools may hold together.
  BackendConnections(wire::Context& context, net::Connector& connector,
                     observe::WorkerNumbers& numbers, std::size_t max_idle_total);
  ~BackendConnections();
  // Now a lease, or a waiter whose observer is called, or why it is impossible.
  using Acquired = std::variant<Lease, std::unique_ptr<Waiter>, Failure>;
  Acquired acquire(Claim claim, const AcquireOptions& options, AcquireObserver& observer);
  // The request is over and the connection may be used again if it can: kept open within
  // `settings`' bounds, else closed. `settings` are the pool's present ones. `had_body`: the request had one,
  // which a backend may be about to answer as if it were a request, too.
  void release(Lease lease, const PoolSettings& settings,
               std::optional<std::uint64_t> keep_alive_timeout_seconds, bool had_body);
  // Closes the connection once the stack is unwound; it reports nothing any more.
  void discard(Lease lease);
  // Closes the idle connections of a backend that was removed or is out.
  void close_idle(LocalBackend& backend);
  void close_all_idle();
  std::size_t idle_count() const { return idle_count_; }
  std::size_t connecting_count() const { return connecting_count_; }

 private:
  friend class PooledConnection;
  friend class ConnectWaiter;
  bool is_spoiled(const PooledConnection& idle) const;
  PooledConnection* next_idle(LocalBackend& backend) const;
  PooledConnection* usable(LocalBackend& backend, Reuse reuse);
  std::optional<Duration> learned_limit(const LocalBackend& backend) const;
  std::unique_ptr<PooledConnection> take(PooledConnection& idle);
  void close(PooledConnection& idle);
  bool close_least_recent();
  void learn(const PooledConnection& idle);
  wire::Context& context_;
  net::Connector& connector_;
  observe::WorkerNumbers& numbers_;
  std::size_t max_idle_total_;
  std::size_t idle_count_ = 0;
  std::size_t connecting_count_ = 0;
  struct Lru;
  std::unique_ptr<Lru> lru_;
};

}  // namespace weir::backend
