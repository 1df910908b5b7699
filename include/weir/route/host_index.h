#pragma once
// Names to small numbers by one hash probe per label: which of exact, "*." and "." a name has,
// found for a host and all its suffixes in one pass from the right. The table above gives the
// numbers their meaning. Once built it only reads, so threads may share it. Made for a million
// names (about 20 bytes and the name each, two cache misses a hit); its form may change.
#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace weir::route {

class HostIndex {
 public:
  enum class Kind : std::uint8_t { kExact, kOneLabel /* *.name */, kSuffix /* .name */ };
  static constexpr std::uint32_t kNone = 0xffffffff;
  static constexpr std::size_t kMaxNameBytes = 255;
  class Walk;

  // `hash_seed` is unknown to those who choose names and hosts.
  explicit HostIndex(std::uint64_t hash_seed);

  // Building. `name` is canonical, without "*." or ".", at most kMaxNameBytes long; `value` is not
  // kNone. Returns the value that is there already and stays, or kNone when there was none.
  std::uint32_t insert(std::string_view name, Kind kind, std::uint32_t value);
  // Nothing more is going to be inserted: gives unused memory back.
  void finish();

  // One entry, or kNone. Names that have no labels (IP literals) are looked up by this.
  std::uint32_t find(std::string_view name, Kind kind) const;
  std::size_t size() const { return names_; }
  std::size_t memory_bytes() const;

 private:
  static constexpr std::size_t kKinds = 3;
  static constexpr std::size_t kMaxLabels = kMaxNameBytes + 1;
  using Levels = std::bitset<kMaxLabels + 1>;
  struct Slot {
    std::uint32_t hash = 0;
    std::uint32_t record = kNone;  // an offset in records_
  };

  std::uint64_t extend(std::uint64_t state, char byte) const;
  std::uint32_t hash_of(std::string_view name) const;
  std::size_t slot_of(std::uint32_t hash, std::string_view name) const;
  std::uint32_t value_of(std::uint32_t record, Kind kind) const;
  std::uint32_t append_record(std::string_view name,
                              const std::array<std::uint32_t, kKinds>& values);
  void grow();

  std::uint64_t initial_state_;
  std::uint64_t multiplier_;
  std::size_t names_ = 0;
  std::vector<Slot> slots_;  // a power of two, linear probing, at most three quarters full
  std::string records_;      // name length, mask of kinds, a value per kind, name
  std::array<Levels, kKinds> levels_;  // which numbers of labels occur, per kind
};

// One lookup: the values of all entries that cover `host` from the most to the least specific
// (CONTRACT §2: a.example.com, .a.example.com, *.example.com, .example.com, .com). Allocates
// nothing; lives on the stack, no longer than the index and the host.
class HostIndex::Walk {
 public:
  Walk(const HostIndex& index, std::string_view host);
  // The next value, kNone at the end.
  std::uint32_t next();

 private:
  struct Candidate {
    std::uint32_t hash;
    std::uint16_t begin;   // of the suffix in the host
    std::uint16_t labels;  // of the suffix
  };
  Kind kind_at(std::size_t labels) const;

  const HostIndex& index_;
  std::string_view host_;
  std::size_t labels_ = 0;        // of the host
  std::uint32_t suffix_ = kNone;  // the name found last has this ".name" entry as well
  std::size_t left_ = 0;          // of the candidates; the longest suffix last
  std::array<Candidate, kMaxLabels> candidates_;
};

}  // namespace weir::route
