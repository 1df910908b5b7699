#include "weir/observe/metrics.h"

#include <algorithm>

namespace weir::observe {
namespace {

constexpr auto kBoundsNs = [] {
  std::array<std::int64_t, std::size(kDurationBounds)> bounds{};
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    bounds[i] = static_cast<std::int64_t>(kDurationBounds[i] * 1e9 + 0.5);
  }
  return bounds;
}();

template <std::size_t kCount>
void add_each(std::array<Number, kCount>& to, const std::array<Number, kCount>& from) {
  for (std::size_t i = 0; i < kCount; ++i) to[i].add(from[i].get());
}

// Of what began and what ended, each counted on its own: what is under way. Read while both move,
// the second may be ahead.
std::uint64_t difference(const Number& begun, const Number& ended) {
  std::uint64_t out = ended.get();
  return std::max(begun.get(), out) - out;
}

}  // namespace

void DurationHistogram::observe(Duration duration) {
  std::int64_t ns = duration.count() < 0 ? 0 : duration.count();
  // From below: most requests are over within the first few bounds.
  std::size_t bucket = 0;
  while (bucket < kBoundsNs.size() && ns > kBoundsNs[bucket]) ++bucket;
  buckets_[bucket].add();
  sum_ns_.add(static_cast<std::uint64_t>(ns));
}

void DurationHistogram::add(const DurationHistogram& other) {
  add_each(buckets_, other.buckets_);
  sum_ns_.add(other.sum_ns_.get());
}

void ListenerNumbers::add(const ListenerNumbers& other) {
  add_each(requests, other.requests);
  duration.add(other.duration);
  connections_closed.add(other.connections_closed.get());
  connections_accepted.add(other.connections_accepted.get());
  add_each(connections_rejected, other.connections_rejected);
}

void RouteNumbers::add(const RouteNumbers& other) {
  add_each(requests, other.requests);
  duration.add(other.duration);
  add_each(failures, other.failures);
}

void PoolNumbers::add(const PoolNumbers& other) {
  connections_new.add(other.connections_new.get());
  connections_reused.add(other.connections_reused.get());
  retries.add(other.retries.get());
  retries_denied.add(other.retries_denied.get());
  holds_begun.add(other.holds_begun.get());
  holds_ended.add(other.holds_ended.get());
  connect.add(other.connect);
  response_head.add(other.response_head);
}

std::uint64_t ListenerNumbers::connections_open() const {
  return difference(connections_accepted, connections_closed);
}

std::uint64_t PoolNumbers::held() const { return difference(holds_begun, holds_ended); }

std::uint64_t WorkerNumbers::requests_in_flight() const {
  return difference(requests_begun, requests_finished);
}

void WorkerNumbers::add(const WorkerNumbers& other) {
  add_each(failures, other.failures);
  for (Number WorkerNumbers::*number :
       {&WorkerNumbers::requests_finished, &WorkerNumbers::requests_begun,
        &WorkerNumbers::received_from_clients_bytes, &WorkerNumbers::received_from_backends_bytes,
        &WorkerNumbers::sent_to_clients_bytes, &WorkerNumbers::sent_to_backends_bytes,
        &WorkerNumbers::backend_connections_new, &WorkerNumbers::backend_connections_reused,
        &WorkerNumbers::access_lines_dropped, &WorkerNumbers::retries,
        &WorkerNumbers::retries_denied}) {
    (this->*number).add((other.*number).get());
  }
  loop_lag.add(other.loop_lag);
}

}  // namespace weir::observe
