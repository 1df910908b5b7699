#pragma once
// Finds things that have numbers by what they are called: a hash table of the numbers alone, four
// bytes each, in place of the names once more. What bits the numbers leave free hold a part of the
// name's hash, so that hardly another name is looked at. Whoever asks says what hash a number's name
// has.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace weir::table {

class NumberIndex {
 public:
  static constexpr std::uint32_t kNone = 0xffffffff;

  // The number with that hash for which is(number) holds; kNone: none.
  template <typename Is>
  std::uint32_t find(std::uint64_t hash, Is is) const {
    if (slots_.empty()) return kNone;
    std::uint32_t tag = tag_of(hash);
    for (std::size_t at = home_of(hash); slots_[at] != kNone; at = behind(at)) {
      if ((slots_[at] & ~number_mask_) != tag) continue;
      std::uint32_t number = slots_[at] & number_mask_;
      if (is(number)) return number;
    }
    return kNone;
  }
  // It is not there yet.
  template <typename HashOf>
  void insert(std::uint32_t number, HashOf hash_of) {
    bool is_full = size_ + 1 > slots_.size() / 4 * 3;
    if (is_full || number >= number_mask_) rebuild(is_full, number, hash_of);
    place(number, hash_of(number));
    ++size_;
  }
  // Another number for the same name.
  template <typename HashOf>
  void replace(std::uint32_t number, std::uint32_t by, HashOf hash_of) {
    erase(number, hash_of);
    insert(by, hash_of);
  }
  // It is there. What stands behind it moves up, so that it is still found.
  template <typename HashOf>
  void erase(std::uint32_t number, HashOf hash_of) {
    std::size_t at = home_of(hash_of(number));
    while ((slots_[at] & number_mask_) != number) at = behind(at);
    slots_[at] = kNone;
    --size_;
    for (at = behind(at); slots_[at] != kNone; at = behind(at)) {
      std::uint32_t moved = slots_[at] & number_mask_;
      slots_[at] = kNone;
      place(moved, hash_of(moved));
    }
  }
  std::size_t size() const { return size_; }

 private:
  static constexpr std::size_t kFirstSlots = 16;
  std::size_t home_of(std::uint64_t hash) const { return hash & (slots_.size() - 1); }
  std::uint32_t tag_of(std::uint64_t hash) const {
    return static_cast<std::uint32_t>(hash >> 32) & ~number_mask_;
  }
  std::size_t behind(std::size_t at) const { return (at + 1) & (slots_.size() - 1); }
  void place(std::uint32_t number, std::uint64_t hash) {
    std::size_t at = home_of(hash);
    while (slots_[at] != kNone) at = behind(at);
    slots_[at] = tag_of(hash) | number;
  }
  template <typename HashOf>
  void rebuild(bool is_full, std::uint32_t number, HashOf hash_of) {
    std::size_t size = slots_.empty() ? kFirstSlots : is_full ? slots_.size() * 2 : slots_.size();
    std::vector<std::uint32_t> old(size, kNone);
    old.swap(slots_);
    std::uint32_t old_mask = number_mask_;
    // With all its bits set a number would be kNone.
    while (number >= number_mask_) number_mask_ = number_mask_ * 2 + 1;
    // In order of the numbers, which is how most of what they mean lies in memory.
    std::erase(old, kNone);
    for (std::uint32_t& slot : old) slot &= old_mask;
    std::sort(old.begin(), old.end());
    for (std::uint32_t known : old) place(known, hash_of(known));
  }

  std::vector<std::uint32_t> slots_;  // a power of two, linear probing
  std::uint32_t number_mask_ = 0xff;  // the bits of a slot that are its number
  std::size_t size_ = 0;
};

}  // namespace weir::table
