#pragma once
// Counters of one worker. Only its worker writes (plain relaxed stores, no read-modify-write); any
// thread reads. Summed over workers by the exporter, so what is shown is exact and monotonic.
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <iterator>

#include "weir/base/failure.h"
#include "weir/base/time.h"

namespace weir::observe {

// A number that one thread changes and others read.
class Number {
 public:
  void add(std::uint64_t n = 1) { set(get() + n); }
  void sub(std::uint64_t n = 1) { set(get() - n); }
  std::uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  void set(std::uint64_t value) { value_.store(value, std::memory_order_relaxed); }
  std::atomic<std::uint64_t> value_{0};
};

// Upper bounds of the duration histograms in seconds, inclusive; the last bucket is +Inf.
inline constexpr double kDurationBounds[] = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                             0.25,   0.5,   1,      2.5,   5,    10,    30,   60};
inline constexpr std::size_t kDurationBuckets = std::size(kDurationBounds) + 1;

class DurationHistogram {
 public:
  // A negative duration counts as none.
  void observe(Duration duration);
  void add(const DurationHistogram& other);
  // Observations in that bucket alone, not in those below it.
  std::uint64_t count_in(std::size_t bucket) const { return buckets_[bucket].get(); }
  double sum_seconds() const { return static_cast<double>(sum_ns_.get()) / 1e9; }

 private:
  std::array<Number, kDurationBuckets> buckets_;
  Number sum_ns_;
};

// Why a client connection was turned away.
enum class Rejection : std::uint8_t { kNoDescriptors };
inline constexpr std::size_t kRejectionCount = 1;

struct ListenerNumbers {
  std::array<Number, 6> requests;  // by status / 100; [0]: no answer was sent
  DurationHistogram duration;
  Number connections_accepted;
  Number connections_closed;
  std::array<Number, kRejectionCount> connections_rejected;

  void add(const ListenerNumbers& other);
  std::uint64_t connections_open() const;
};

// Requests of one route.
struct RouteNumbers {
  std::array<Number, 6> requests;  // by status / 100; [0]: no answer was sent
  DurationHistogram duration;
  std::array<Number, kFailureCount> failures;

  void add(const RouteNumbers& other);
};

// What a pool's requests did at its backends.
struct PoolNumbers {
  Number connections_new;
  Number connections_reused;
  Number retries;
  Number retries_denied;            // by the retry budget
  Number holds_begun;               // requests that waited for a first verdict …
  Number holds_ended;               // … and do no more
  DurationHistogram connect;        // of connections that were made
  DurationHistogram response_head;  // last byte of the request sent until the final head

  void add(const PoolNumbers& other);
  std::uint64_t held() const;
};

struct WorkerNumbers {
  std::array<Number, kFailureCount> failures;
  Number requests_begun;
  Number requests_finished;
  Number received_from_clients_bytes;
  Number received_from_backends_bytes;
  Number sent_to_clients_bytes;
  Number sent_to_backends_bytes;
  Number backend_connections_new;
  Number backend_connections_reused;
  Number access_lines_dropped;
  Number retries;
  Number retries_denied;       // by the retry budget
  DurationHistogram loop_lag;  // how late a timer of the loop's came

  // To sum workers up in numbers of the caller's own.
  void add(const WorkerNumbers& other);
  std::uint64_t requests_in_flight() const;
};

}  // namespace weir::observe
