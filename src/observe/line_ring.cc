#include "line_ring.h"

#include <algorithm>
#include <cstring>

namespace weir::observe {
namespace {

// From here on an empty ring begins at its beginning again.
constexpr std::size_t kWarmBytes = 64 * 1024;

}  // namespace

bool LineRing::push(std::string_view line) {
  char* to = room(line.size());
  if (to == nullptr) return false;
  std::memcpy(to, line.data(), line.size());
  commit(line.size());
  return true;
}

char* LineRing::begin_lap() {
  last_lap_bytes_ = to_;
  lap_end_.store(end_of(lap_++, to_), std::memory_order_relaxed);
  to_ = 0;
  return bytes_.get();
}

char* LineRing::room(std::size_t most) {
  std::size_t head = head_.load(std::memory_order_relaxed);
  if (to_ >= kWarmBytes) {
    known_tail_ = tail_.load(std::memory_order_acquire);
    if (head == known_tail_ && most <= capacity_) return begin_lap();
  }
  for (bool is_fresh = false;; is_fresh = true) {
    std::size_t queued = head - known_tail_;
    if (queued > to_) {
      // The consumer is in the lap before.
      std::size_t from = last_lap_bytes_ - (queued - to_);
      if (from - to_ >= most) return bytes_.get() + to_;
    } else {
      if (capacity_ - to_ >= most) return bytes_.get() + to_;
      std::size_t free_at_begin = queued == 0 ? capacity_ : to_ - queued;
      if (free_at_begin >= most) return begin_lap();
    }
    if (is_fresh) return nullptr;
    known_tail_ = tail_.load(std::memory_order_acquire);
  }
}

void LineRing::commit(std::size_t bytes) {
  to_ += bytes;
  // Ordered before the producer's look at whether the thread sleeps (AccessLog::write).
  head_.store(head_.load(std::memory_order_relaxed) + bytes, std::memory_order_seq_cst);
}

bool LineRing::has_queued(std::size_t bytes) {
  std::size_t head = head_.load(std::memory_order_relaxed);
  if (head - known_tail_ < bytes) return false;
  known_tail_ = tail_.load(std::memory_order_acquire);
  return head - known_tail_ >= bytes;
}

std::string_view LineRing::front() {
  std::size_t queued =
      head_.load(std::memory_order_acquire) - tail_.load(std::memory_order_relaxed);
  if (queued == 0) return {};
  std::uint64_t end = lap_end_.load(std::memory_order_relaxed);
  std::size_t piece = queued;
  if (end >> kPlaceBits == read_lap_) {
    std::size_t place = end & ((std::uint64_t{1} << kPlaceBits) - 1);
    if (from_ == place) {
      from_ = 0;
      ++read_lap_;
    } else {
      piece = std::min(queued, place - from_);
    }
  }
  return {bytes_.get() + from_, piece};
}

void LineRing::release(std::size_t bytes) {
  from_ += bytes;
  tail_.store(tail_.load(std::memory_order_relaxed) + bytes, std::memory_order_release);
}

}  // namespace weir::observe
