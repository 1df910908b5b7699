#pragma once
// Lines on their way from one worker to the access log's thread: a ring of bytes with one producer
// and one consumer, without locks. A line goes in whole or not at all. Owned by AccessLog.
#include <atomic>
#include <cstddef>
#include <memory>
#include <string_view>

namespace weir::observe {

class LineRing {
 public:
  // A power of two. Memory is touched as it is used.
  explicit LineRing(std::size_t capacity_bytes);

  // --- the producer's thread ---
  // A line with its newline. False: there is no room.
  bool push(std::string_view line);
  // Room for a line of so many bytes in one piece, to write it in its place; then commit() what it
  // came to be. Null: not here (the ring is nearly full, or its end is near); push() may find room.
  char* room(std::size_t most);
  void commit(std::size_t bytes);
  // Whether so many bytes wait for the consumer.
  bool has_queued(std::size_t bytes);

  // --- the consumer's thread ---
  // Moves as many whole lines as are there and have room; returns their bytes.
  std::size_t take(char* to, std::size_t room);
  std::size_t queued() const {
    return head_.load(std::memory_order_seq_cst) - tail_.load(std::memory_order_relaxed);
  }
  bool is_empty() const {
    return head_.load(std::memory_order_seq_cst) == tail_.load(std::memory_order_relaxed);
  }

 private:
  bool has_room(std::size_t bytes);
  std::size_t capacity_;
  std::unique_ptr<char[]> bytes_;
  // Positions grow for ever; their remainder is the place in the ring. On lines of their own, so
  // that the two threads disturb each other only when they must.
  alignas(64) std::atomic<std::size_t> head_{0};  // behind the last line; the producer's
  std::size_t known_tail_ = 0;                    // the producer's last look at tail_
  alignas(64) std::atomic<std::size_t> tail_{0};  // the next byte to take; the consumer's
};

}  // namespace weir::observe
