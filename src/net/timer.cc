#include "weir/net/timer.h"

#include <algorithm>

namespace weir::net {
namespace {

// Beyond this many, empty buckets are dropped: somebody uses durations that do not recur.
constexpr std::size_t kKeptBuckets = 64;

Duration whole_milliseconds(Duration duration) {
  constexpr Duration kLongest = std::chrono::hours(24 * 365 * 50);  // keeps deadlines representable
  return std::chrono::ceil<std::chrono::milliseconds>(
      std::clamp(duration, Duration::zero(), kLongest));
}

}  // namespace

Timers::~Timers() {
  for (const Bucket& bucket : buckets_) WEIR_CHECK(bucket.timers->is_empty());
}

void Timers::arm(Timer& timer, TimePoint now, Duration after) {
  Duration duration = whole_milliseconds(after);
  timer.unlink();
  timer.deadline_ = now + duration;
  fifo_for(duration).push_back(timer);
}

void Timers::advance(TimePoint now, std::size_t most) {
  Fifo due;
  for (std::size_t count = 0; count < most; ++count) {
    Fifo* fifo = earliest();
    if (fifo == nullptr || fifo->front()->deadline_ > now) break;
    Timer& timer = *fifo->front();
    timer.unlink();
    due.push_back(timer);
  }
  while (Timer* timer = due.front()) {
    timer->unlink();
    timer->callback_(timer->context_);
  }
}

std::optional<TimePoint> Timers::next_deadline() const {
  Fifo* fifo = earliest();
  if (fifo == nullptr) return std::nullopt;
  return fifo->front()->deadline_;
}

Timers::Fifo& Timers::fifo_for(Duration duration) {
  for (Bucket& bucket : buckets_) {
    if (bucket.duration == duration) return *bucket.timers;
  }
  if (buckets_.size() >= kKeptBuckets) drop_empty();
  buckets_.push_back(Bucket{duration, std::make_unique<Fifo>()});
  return *buckets_.back().timers;
}

Timers::Fifo* Timers::earliest() const {
  Fifo* found = nullptr;
  for (const Bucket& bucket : buckets_) {
    Timer* timer = bucket.timers->front();
    if (timer == nullptr) continue;
    if (found == nullptr || timer->deadline_ < found->front()->deadline_)
      found = bucket.timers.get();
  }
  return found;
}

void Timers::drop_empty() {
  std::erase_if(buckets_, [](const Bucket& bucket) { return bucket.timers->is_empty(); });
}

}  // namespace weir::net
