#pragma once
// Lines on their way from one worker to the access log's thread: a ring of bytes with one producer
// and one consumer, without locks. A line goes in whole or not at all and lies in one piece: one that
// would reach over the end goes to the beginning. While the consumer keeps up, only the first part of
// the ring is used, so that it stays in the processor's cache. Owned by AccessLog.
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace weir::observe {

class LineRing {
 public:
  // Memory is touched as it is used.
  explicit LineRing(std::size_t capacity_bytes)
      : capacity_(capacity_bytes), bytes_(new char[capacity_bytes]) {}

  // --- the producer's thread ---
  // A line with its newline. False: there is no room.
  bool push(std::string_view line);
  // Room for a line of so many bytes, to write it in its place; then commit() what it came to be.
  // Null: there is none.
  char* room(std::size_t most);
  void commit(std::size_t bytes);
  // Whether so many bytes wait for the consumer.
  bool has_queued(std::size_t bytes);

  // --- the consumer's thread ---
  // What is next, in one piece that ends with a line; there may be more behind it. Good until
  // release().
  std::string_view front();
  // So many bytes of front() are done with.
  void release(std::size_t bytes);
  std::size_t queued() const {
    return head_.load(std::memory_order_seq_cst) - tail_.load(std::memory_order_relaxed);
  }
  bool is_empty() const { return queued() == 0; }

 private:
  // Where a lap through the ring ended: the lap's number and the place.
  static constexpr unsigned kPlaceBits = 32;
  static std::uint64_t end_of(std::uint32_t lap, std::size_t place) {
    return std::uint64_t{lap} << kPlaceBits | place;
  }
  char* begin_lap();

  std::size_t capacity_;
  std::unique_ptr<char[]> bytes_;
  // How many bytes went in and out, ever. On lines of their own, so that the two threads disturb
  // each other only when they must.
  alignas(64) std::atomic<std::size_t> head_{0};  // the producer's
  std::size_t known_tail_ = 0;                    // the producer's last look at tail_
  std::size_t to_ = 0;                            // the place where it writes
  std::size_t last_lap_bytes_ = 0;                // where its last lap ended
  std::uint32_t lap_ = 0;
  // Of the last lap that ended; there is no other that the consumer has not been through. The
  // producer's, before the head_ that lies behind it.
  std::atomic<std::uint64_t> lap_end_{end_of(~std::uint32_t{0}, 0)};
  alignas(64) std::atomic<std::size_t> tail_{0};  // the consumer's
  std::size_t from_ = 0;                          // the place where it reads
  std::uint32_t read_lap_ = 0;
};

}  // namespace weir::observe
