#pragma once
// What all workers share about pools: immutable descriptions published by Control, and the identity
// of each backend, which lives on over reloads as long as pool and address are the same.
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "weir/base/address.h"
#include "weir/base/shared_text.h"
#include "weir/base/shared_vector.h"
#include "weir/config/config.h"
#include "weir/observe/metrics.h"

namespace weir::backend {

// The same numbers as route::PoolId: stable over reloads by name.
using PoolId = std::uint32_t;

// Whether a backend gets new requests, as Control sees it (BackendStates).
enum class Standing : std::uint8_t {
  kUsable,
  kUnknown,   // no check has come to its end yet
  kDraining,  // none, but what is under way goes on, and connections are kept
  kOut,       // down or in maintenance: idle connections are closed, too
};

// One backend of one pool. Shared by Control and workers; everything but the counters and the
// standing is constant. A table may have a million of them, most of which are never asked: the
// counters come with the first worker that uses it, and texts are made when they are wanted.
class Backend {
 public:
  Backend(SharedText pool, const Endpoint& endpoint, unsigned workers);
  ~Backend();
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;
  const SharedText& pool() const { return pool_; }
  Endpoint endpoint() const { return {ip_, unix_path_.str()}; }
  bool is_at(const Endpoint& endpoint) const {
    return ip_ == endpoint.ip && unix_path_ == endpoint.unix_path;
  }
  bool is_unix() const { return !unix_path_.empty(); }
  std::string address() const;  // as text, for logs and metrics

  // Written by Control alone, which then tells the workers to look at the pool again.
  Standing standing() const { return standing_.load(std::memory_order_relaxed); }
  void set_standing(Standing standing) { standing_.store(standing, std::memory_order_relaxed); }

  // Makes the counters. Any thread; each one that counts has called it before.
  void begin_counting();
  // Requests in flight of one worker; changed by that worker only, read by all (relaxed).
  void add_in_flight(unsigned worker, int change) {
    std::atomic<std::uint32_t>& slot = own_slot(worker).in_flight;
    slot.store(slot.load(std::memory_order_relaxed) + static_cast<std::uint32_t>(change),
               std::memory_order_relaxed);
  }
  // By whoever has called begin_counting().
  std::uint32_t in_flight_of(unsigned worker) const {
    return own_slot(worker).in_flight.load(std::memory_order_relaxed);
  }
  // The sum over all workers but `worker`.
  std::uint32_t in_flight_of_others(unsigned worker) const;
  std::uint32_t in_flight() const { return in_flight_of_others(workers_); }

  // Numbers for metrics, changed and read in the same way. `status_class`: of the final status, 0
  // when an attempt ended without one.
  static constexpr std::size_t kStatusClasses = 6;
  void count_request(unsigned worker, int status_class) {
    own_slot(worker).requests[static_cast<std::size_t>(status_class)].add();
  }
  std::uint64_t requests(int status_class) const;
  void add_idle(unsigned worker, int change) {
    observe::Number& idle = own_slot(worker).idle;
    change > 0 ? idle.add() : idle.sub();
  }
  std::uint64_t idle_connections() const;

 private:
  struct alignas(64) Slot {
    std::atomic<std::uint32_t> in_flight{0};
    observe::Number idle;
    std::array<observe::Number, kStatusClasses> requests;
  };
  // Of a thread that has seen them made.
  Slot& own_slot(unsigned worker) const { return slots_.load(std::memory_order_relaxed)[worker]; }
  SharedText pool_;
  SharedText unix_path_;
  std::atomic<Slot*> slots_{nullptr};  // one per worker; null: nobody has counted yet
  IpAddress ip_;
  std::uint16_t workers_;
  std::atomic<Standing> standing_{Standing::kUsable};
};

// What one version of a pool says of a backend beside its address.
struct BackendTraits {
  unsigned weight = 1;     // its share of requests, in proportion to the others'
  bool is_backup = false;  // gets requests only while no other backend is usable
  bool operator==(const BackendTraits&) const = default;
};

// What an administrator sets of a pool beside its backends. Immutable, shared by pools that are set
// alike: all those that map lines make are.
struct PoolSettings {
  config::Balance balance = config::Balance::kLeastLoaded;
  bool keepalive = true;
  unsigned max_idle = 32;
  unsigned retries = 2;
  unsigned retry_budget_percent = 20;
  std::shared_ptr<const config::HealthConfig> health;  // null: no checks; its host is filled in
  config::PoolTimeouts timeouts;
  std::uint64_t body_bytes = 0;
  std::string host;
};
// Those of a pool that says nothing.
const std::shared_ptr<const PoolSettings>& usual_settings();

// One version of a pool. Immutable.
struct PoolSpec {
  PoolId id = 0;
  SharedText name;
  std::vector<std::shared_ptr<Backend>> backends;
  std::vector<BackendTraits> traits;  // by index of `backends`; those beyond its end have defaults
  BackendTraits traits_of(std::size_t index) const {
    return index < traits.size() ? traits[index] : BackendTraits{};
  }
  std::shared_ptr<const PoolSettings> settings = usual_settings();  // never null
};

// One version of all pools, by id; null where an id is not in use (any more). Immutable.
class PoolSet {
 public:
  using Pools = SharedVector<std::shared_ptr<const PoolSpec>>;
  // `size`: how many are there.
  PoolSet(Pools pools, std::size_t size) : pools_(std::move(pools)), size_(size) {}
  explicit PoolSet(std::vector<std::shared_ptr<const PoolSpec>> pools) {
    for (std::shared_ptr<const PoolSpec>& pool : pools) {
      size_ += pool != nullptr ? 1 : 0;
      pools_.push_back(std::move(pool));
    }
  }
  std::shared_ptr<const PoolSpec> find(PoolId id) const {
    return id < pools_.size() ? pools_[id] : nullptr;
  }
  // The same, good as long as this version.
  const PoolSpec* look(PoolId id) const { return id < pools_.size() ? pools_[id].get() : nullptr; }
  const Pools& all() const { return pools_; }
  std::size_t size() const { return size_; }  // pools that are there

 private:
  Pools pools_;
  std::size_t size_ = 0;
};

}  // namespace weir::backend
