#pragma once
// A vector in chunks that versions share: a copy costs a pointer per chunk, a change one chunk.
// Versions are read by any thread; the one that is being changed belongs to one.
#include <array>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace weir {

template <typename T, std::size_t kChunk = 256>
class SharedVector {
 public:
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  const T& operator[](std::size_t at) const { return (*chunks_[at / kChunk])[at % kChunk]; }

  // To change it. The chunk is this version's own afterwards.
  T& at(std::size_t at) {
    std::size_t number = at / kChunk;
    if (!is_own_[number]) {
      chunks_[number] = std::make_shared<Chunk>(*chunks_[number]);
      is_own_[number] = true;
    }
    return (*chunks_[number])[at % kChunk];
  }
  void push_back(T value) {
    if (size_ == chunks_.size() * kChunk) {
      chunks_.push_back(std::make_shared<Chunk>());
      is_own_.push_back(true);
    }
    at(size_++) = std::move(value);
  }
  // Calls visit(at) wherever `other` may have another element, beyond its end too; what both share
  // is passed over a chunk at a time.
  template <typename Visit>
  void for_each_difference(const SharedVector& other, Visit visit) const {
    std::size_t end = size_ > other.size_ ? size_ : other.size_;
    for (std::size_t chunk = 0; chunk * kChunk < end; ++chunk) {
      if (chunk < chunks_.size() && chunk < other.chunks_.size() &&
          chunks_[chunk] == other.chunks_[chunk])
        continue;  // it ends where the other's ends, too: whoever appends has a chunk of its own
      for (std::size_t at = chunk * kChunk; at < end && at < (chunk + 1) * kChunk; ++at) visit(at);
    }
  }

  class Iterator {
   public:
    Iterator(const SharedVector& of, std::size_t at) : of_(&of), at_(at) {}
    const T& operator*() const { return (*of_)[at_]; }
    Iterator& operator++() {
      ++at_;
      return *this;
    }
    bool operator==(const Iterator& other) const { return at_ == other.at_; }

   private:
    const SharedVector* of_;
    std::size_t at_;
  };
  Iterator begin() const { return {*this, 0}; }
  Iterator end() const { return {*this, size_}; }

  // Another version, equal to this one; whichever changes first copies.
  SharedVector share() {
    is_own_.assign(chunks_.size(), false);
    return *this;
  }

 private:
  using Chunk = std::array<T, kChunk>;
  std::size_t size_ = 0;
  std::vector<std::shared_ptr<Chunk>> chunks_;
  std::vector<bool> is_own_;
};

}  // namespace weir
