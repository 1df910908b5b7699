#pragma once
// A FIFO of bytes in blocks: append at the end, look at the front, consume. An empty queue holds no
// memory. Bounds are the owner's affair (it looks at size()). One thread.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

namespace weir {

class ByteQueue {
 public:
  ByteQueue() = default;
  ~ByteQueue() { clear(); }
  ByteQueue(ByteQueue&& other) noexcept { swap(other); }
  ByteQueue& operator=(ByteQueue&& other) noexcept {
    swap(other);
    return *this;
  }
  ByteQueue(const ByteQueue&) = delete;
  ByteQueue& operator=(const ByteQueue&) = delete;

  std::size_t size() const { return size_; }
  bool is_empty() const { return size_ == 0; }
  void append(std::string_view bytes);
  // The first contiguous run; empty only when the queue is. Valid until the next change.
  std::string_view front() const;
  // As many contiguous runs from the front as `runs` holds or there are; how many. Valid as long.
  std::size_t front(std::span<std::string_view> runs) const;
  // Removes the first `count` bytes; count <= size().
  void consume(std::size_t count);
  void clear();
  void swap(ByteQueue& other) noexcept {
    std::swap(first_, other.first_);
    std::swap(last_, other.last_);
    std::swap(size_, other.size_);
  }

 private:
  struct Block;
  Block* first_ = nullptr;
  Block* last_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace weir
