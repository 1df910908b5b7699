#include "line_ring.h"

#include <algorithm>
#include <cstring>

#include "weir/base/check.h"

namespace weir::observe {

LineRing::LineRing(std::size_t capacity_bytes)
    : capacity_(capacity_bytes), bytes_(new char[capacity_bytes]) {
  WEIR_CHECK((capacity_bytes & (capacity_bytes - 1)) == 0);
}

bool LineRing::has_room(std::size_t bytes) {
  std::size_t head = head_.load(std::memory_order_relaxed);
  if (capacity_ - (head - known_tail_) >= bytes) return true;
  known_tail_ = tail_.load(std::memory_order_acquire);
  return capacity_ - (head - known_tail_) >= bytes;
}

bool LineRing::push(std::string_view line) {
  if (!has_room(line.size())) return false;
  std::size_t at = head_.load(std::memory_order_relaxed) & (capacity_ - 1);
  std::size_t first = std::min(line.size(), capacity_ - at);
  std::memcpy(bytes_.get() + at, line.data(), first);
  std::memcpy(bytes_.get(), line.data() + first, line.size() - first);
  commit(line.size());
  return true;
}

char* LineRing::room(std::size_t most) {
  std::size_t at = head_.load(std::memory_order_relaxed) & (capacity_ - 1);
  return at + most <= capacity_ && has_room(most) ? bytes_.get() + at : nullptr;
}

void LineRing::commit(std::size_t bytes) {
  // Ordered before the producer's look at whether the thread sleeps (AccessLog::write).
  head_.store(head_.load(std::memory_order_relaxed) + bytes, std::memory_order_seq_cst);
}

bool LineRing::has_queued(std::size_t bytes) {
  std::size_t head = head_.load(std::memory_order_relaxed);
  if (head - known_tail_ < bytes) return false;
  known_tail_ = tail_.load(std::memory_order_acquire);
  return head - known_tail_ >= bytes;
}

std::size_t LineRing::take(char* to, std::size_t room) {
  std::size_t tail = tail_.load(std::memory_order_relaxed);
  std::size_t queued = head_.load(std::memory_order_acquire) - tail;
  std::size_t count = std::min(queued, room);
  std::size_t at = tail & (capacity_ - 1);
  std::size_t first = std::min(count, capacity_ - at);
  std::memcpy(to, bytes_.get() + at, first);
  std::memcpy(to + first, bytes_.get(), count - first);
  // What was pushed ends with a line; what fitted may not.
  if (count < queued) {
    const void* last = count == 0 ? nullptr : memrchr(to, '\n', count);
    count = last == nullptr ? 0 : static_cast<std::size_t>(static_cast<const char*>(last) - to) + 1;
  }
  tail_.store(tail + count, std::memory_order_release);
  return count;
}

}  // namespace weir::observe
