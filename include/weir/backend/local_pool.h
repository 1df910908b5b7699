#pragma once
// One worker's side of a pool: its candidates, its counts, its kept-open connections. Made on the
// pool's first request. Worker thread only; reference counts are plain numbers.
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "weir/backend/balancer.h"
#include "weir/backend/pool.h"
#include "weir/base/intrusive_list.h"
#include "weir/base/rng.h"
#include "weir/base/time.h"
#include "weir/observe/series.h"

namespace weir::backend {

class PooledConnection;

// One worker's side of a backend.
class LocalBackend {
 public:
  LocalBackend(std::shared_ptr<Backend> shared, unsigned worker);
  ~LocalBackend();
  const Backend& shared() const { return *shared_; }
  const std::string& address() const { return address_; }  // as text, for logs
  // By way of the shared count: after a reload that took the backend away and one that brought it
  // back there are two of us, and the elder may still have requests.
  std::uint32_t in_flight() const { return shared_->in_flight_of(worker_) + others_in_flight_; }
  bool is_removed() const { return is_removed_; }
  // Nothing is kept for it: it was removed, is down or in maintenance.
  bool is_out() const { return is_removed_ || is_out_; }
  const std::shared_ptr<Backend>& identity() const { return shared_; }
  std::uint32_t own_in_flight() const { return own_in_flight_; }
  // As of Backend::count_request().
  void count_request(int status_class) { shared_->count_request(worker_, status_class); }

  // For weir's own log, which shall tell of a failing backend, but not of each request. An attempt
  // failed by the backend's doing: whether that is to be said, at its first failure and then once a
  // minute.
  bool is_failure_news(TimePoint now);
  // An attempt was answered: whether it is to be said that the backend works again. Not before it
  // has not failed for a second.
  bool is_recovery_news(TimePoint now) {
    return is_failing_ && now - failed_at_ >= std::chrono::seconds(1) &&
           std::exchange(is_failing_, false);
  }
  bool is_failing() const { return is_failing_; }

 private:
  friend class LocalPool;
  friend class Claim;
  friend class BackendConnections;
  friend class PooledConnection;
  void add(int change);
  std::shared_ptr<Backend> shared_;
  std::string address_;
  unsigned worker_;
  std::uint32_t own_in_flight_ = 0;
  std::uint32_t others_in_flight_ = 0;  // as of the last refresh
  unsigned idle_count_ = 0;
  bool is_removed_ = false;  // by a reload
  bool is_out_ = false;      // Standing::kOut, as of the last look
  bool is_failing_ = false;  // it was said that it fails
  TimePoint failed_at_{};
  TimePoint failure_said_at_{};
  std::optional<Duration> learned_idle_;  // after which the backend closes unused connections …
  TimePoint learned_until_{};             // … believed until then
  IntrusiveList<PooledConnection> idle_;  // most recently used first
};

// One request in flight at one backend: counted from the moment of choice until destruction.
class Claim {
 public:
  Claim() = default;
  explicit Claim(std::shared_ptr<LocalBackend> backend);
  Claim(Claim&& other) noexcept = default;
  Claim& operator=(Claim&& other) noexcept;
  ~Claim() { reset(); }
  void reset();
  bool is_held() const { return backend_ != nullptr; }
  LocalBackend& backend() const { return *backend_; }
  const std::shared_ptr<LocalBackend>& shared_backend() const { return backend_; }

 private:
  friend class BackendConnections;
  std::shared_ptr<LocalBackend> backend_;
};

// A request that waits until its pool has a usable backend, or certainly none.
class PoolWaiter : public ListNode<PoolWaiter> {
 public:
  virtual ~PoolWaiter() = default;
  // Once; it is off the list.
  virtual void on_pool_decided() = 0;
};

// What a pool can do for a request.
enum class Availability : std::uint8_t {
  kUsable,
  kUndecided,  // no backend is usable, but of some nothing is known yet
  kNone,       // every backend is down, draining or in maintenance
  kEmpty,      // there is no backend
};

class LocalPool {
 public:
  // `series`: what its numbers are counted in; null: nowhere that anybody looks.
  LocalPool(std::shared_ptr<const PoolSpec> spec, unsigned worker,
            std::shared_ptr<observe::PoolSeries> series = nullptr);
  const PoolSpec& spec() const { return *spec_; }
  const PoolSettings& settings() const { return *spec_->settings; }
  // This worker's.
  observe::PoolNumbers& numbers() { return series_->of(worker_); }
  // A new version: backends that stay keep everything; those that went are marked removed.
  void update(std::shared_ptr<const PoolSpec> spec);
  // The pool went: requests under way go on, but their connections are not kept.
  void mark_removed();
  // The standing of some backends changed: sorts out again which get requests. Close the idle
  // connections of those that are out afterwards, and wake those who wait.
  void look_again();
  Availability availability() const { return availability_; }
  // Indices into backends() of those that a first attempt chooses among.
  std::span<const std::uint32_t> candidates() const { return usable_.indices; }
  // Chooses by the pool's algorithm among the usable backends not in `tried` (all usable ones when
  // each was tried) and counts the choice. Backups count as usable while nobody else is, and for a
  // request that tried everybody else. Not held when availability() is not kUsable.
  Claim claim(std::span<const LocalBackend* const> tried, TimePoint now, Rng& rng);
  bool has_untried(std::span<const LocalBackend* const> tried) const;
  const std::vector<std::shared_ptr<LocalBackend>>& backends() const { return backends_; }

  // No request has asked since then, and nothing of it is under way or kept open: it may be made anew
  // for the next one.
  bool is_unused_since(TimePoint then) const;

  // Only while kUndecided; `waiter` takes itself off the list by its destruction or unlink().
  void wait(PoolWaiter& waiter) { waiters_.push_back(waiter); }
  // Calls all who wait unless it is still undecided.
  void wake_waiters();

  // The retry budget (CONTRACT: retry_budget): each request earns its share, each retry costs one.
  void earn_retry(TimePoint now);
  bool spend_retry();

 private:
  class PoolCandidates;
  // Indices into backends_ with the running sums of their weights, which are empty when all weigh
  // the same.
  struct Choice {
    std::vector<std::uint32_t> indices;
    std::vector<std::uint32_t> weight_sums;
    void add(std::size_t index, unsigned weight);
    void clear();
  };
  bool is_untried(std::size_t index, std::span<const LocalBackend* const> tried) const;
  void collect(bool backups, Choice& into);
  bool is_any_untried(const Choice& choice, std::span<const LocalBackend* const> tried) const;
  void collect_untried(const Choice& from, std::span<const LocalBackend* const> tried);
  void refresh_others(TimePoint now);
  std::shared_ptr<const PoolSpec> spec_;
  unsigned worker_;
  std::shared_ptr<observe::PoolSeries> series_;
  std::unique_ptr<Balancer> balancer_;
  std::vector<std::shared_ptr<LocalBackend>> backends_;
  Choice usable_;   // those that get requests
  Choice reserve_;  // usable backups while others are usable, too
  Choice untried_;  // reused: those of them that a retry has not tried
  Availability availability_ = Availability::kEmpty;
  bool has_weights_ = false;
  bool is_removed_ = false;
  IntrusiveList<PoolWaiter> waiters_;
  TimePoint others_refreshed_at_{};
  TimePoint used_at_{};  // the last choice
  std::uint32_t retry_credit_ = 0;  // in hundredths of a retry
  TimePoint floor_earned_at_{};
};

}  // namespace weir::backend
