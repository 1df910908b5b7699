#include "weir/base/byte_queue.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

#include "weir/base/check.h"

namespace weir {

// Its bytes follow the header in the same allocation.
struct ByteQueue::Block {
  Block* next;
  std::uint32_t begin;
  std::uint32_t end;
  std::uint32_t capacity;

  char* data() { return reinterpret_cast<char*>(this + 1); }

  static Block* create(std::size_t wanted) {
    // A block that is partly consumed is held whole: small enough to waste little of a slow
    // reader's bound, large enough to be few runs of one send.
    constexpr std::size_t kMinBytes = 4096;
    constexpr std::size_t kMaxBytes = 16 * 1024;
    std::size_t total = std::clamp(wanted + sizeof(Block), kMinBytes, kMaxBytes);
    void* memory = std::malloc(total);
    if (memory == nullptr) throw std::bad_alloc();  // no memory: terminate (DESIGN §6)
    auto capacity = static_cast<std::uint32_t>(total - sizeof(Block));
    return new (memory) Block{nullptr, 0, 0, capacity};
  }
};

void ByteQueue::append(std::string_view bytes) {
  while (!bytes.empty()) {
    if (last_ == nullptr || last_->end == last_->capacity) {
      Block* block = Block::create(bytes.size());
      (last_ == nullptr ? first_ : last_->next) = block;
      last_ = block;
    }
    std::size_t count = std::min<std::size_t>(bytes.size(), last_->capacity - last_->end);
    std::memcpy(last_->data() + last_->end, bytes.data(), count);
    last_->end += static_cast<std::uint32_t>(count);
    size_ += count;
    bytes.remove_prefix(count);
  }
}

std::string_view ByteQueue::front() const {
  if (first_ == nullptr) return {};
  return {first_->data() + first_->begin, first_->end - first_->begin};
}

std::size_t ByteQueue::front(std::span<std::string_view> runs) const {
  std::size_t count = 0;
  for (Block* block = first_; block != nullptr && count < runs.size(); block = block->next)
    runs[count++] = {block->data() + block->begin, block->end - block->begin};
  return count;
}

void ByteQueue::consume(std::size_t count) {
  WEIR_CHECK(count <= size_);
  size_ -= count;
  while (first_ != nullptr) {
    std::size_t taken = std::min<std::size_t>(count, first_->end - first_->begin);
    first_->begin += static_cast<std::uint32_t>(taken);
    count -= taken;
    if (first_->begin < first_->end) return;
    Block* next = first_->next;
    std::free(first_);
    first_ = next;
  }
  last_ = nullptr;
}

void ByteQueue::clear() { consume(size_); }

}  // namespace weir
