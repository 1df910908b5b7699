#pragma once
// By number, for few of many numbers: memory is there in chunks, from the first use of one of their
// numbers on. Numbers that were never used read as T().
#include <array>
#include <cstddef>
#include <memory>
#include <vector>

namespace weir {

template <typename T, std::size_t kChunk = 64>
class SparseVector {
 public:
  // Null: it was never used, and neither were its neighbours.
  T* find(std::size_t at) {
    std::size_t number = at / kChunk;
    if (number >= chunks_.size() || chunks_[number] == nullptr) return nullptr;
    return &(*chunks_[number])[at % kChunk];
  }
  // The reference stays good until clear().
  T& at(std::size_t at) {
    std::size_t number = at / kChunk;
    if (number >= chunks_.size()) chunks_.resize(number + 1);
    if (chunks_[number] == nullptr) chunks_[number] = std::make_unique<Chunk>();
    return (*chunks_[number])[at % kChunk];
  }
  // Calls visit(at, T&) for each that there is memory for, in order.
  template <typename Visit>
  void for_each(Visit visit) {
    for (std::size_t number = 0; number < chunks_.size(); ++number) {
      if (chunks_[number] == nullptr) continue;
      for (std::size_t i = 0; i < kChunk; ++i) visit(number * kChunk + i, (*chunks_[number])[i]);
    }
  }
  // The same for those of some chunks, `from` the first; memory in which all is T() afterwards goes.
  // Returns the chunk to go on at, 0 behind the last.
  template <typename Visit>
  std::size_t sweep(std::size_t from, std::size_t count, Visit visit) {
    std::size_t end = from + count < chunks_.size() ? from + count : chunks_.size();
    for (std::size_t number = from; number < end; ++number) {
      if (chunks_[number] == nullptr) continue;
      bool is_used = false;
      for (std::size_t i = 0; i < kChunk; ++i) {
        T& value = (*chunks_[number])[i];
        visit(number * kChunk + i, value);
        is_used |= value != T();
      }
      if (!is_used) chunks_[number].reset();
    }
    return end < chunks_.size() ? end : 0;
  }
  void clear() { chunks_.clear(); }

 private:
  using Chunk = std::array<T, kChunk>;
  std::vector<std::unique_ptr<Chunk>> chunks_;
};

}  // namespace weir
