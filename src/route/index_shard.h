#pragma once
// The bytes of one shard of a HostIndex, as it is published and while it is being changed.
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "weir/route/host_index.h"

namespace weir::route {

// A record: length of the name, a bit per kind that is there, their entries, the name. Not aligned.
class IndexRecord {
 public:
  using Entry = HostIndex::Entry;
  using Kind = HostIndex::Kind;
  static constexpr std::size_t kHeadBytes = 2;

  explicit IndexRecord(const char* bytes) : bytes_(bytes) {}
  std::string_view name() const {
    return {bytes_ + kHeadBytes + entries() * sizeof(Entry), byte(0)};
  }
  bool has_name(std::string_view name) const {
    return byte(0) == name.size() &&
           std::memcmp(bytes_ + kHeadBytes + entries() * sizeof(Entry), name.data(), name.size()) ==
               0;
  }
  unsigned kinds() const { return byte(1); }
  std::size_t entries() const { return static_cast<std::size_t>(std::popcount(kinds())); }
  std::size_t size() const { return kHeadBytes + entries() * sizeof(Entry) + byte(0); }
  Entry entry(Kind kind) const {
    Entry entry;
    if ((kinds() & bit_of(kind)) != 0) std::memcpy(&entry, bytes_ + offset_of(kind), sizeof entry);
    return entry;
  }
  // Where the entry of a kind stands, or would stand, in the record.
  std::size_t offset_of(Kind kind) const {
    auto before = static_cast<std::size_t>(std::popcount(kinds() & (bit_of(kind) - 1)));
    return kHeadBytes + before * sizeof(Entry);
  }
  static unsigned bit_of(Kind kind) { return 1u << static_cast<unsigned>(kind); }

 private:
  unsigned byte(std::size_t at) const { return static_cast<unsigned char>(bytes_[at]); }
  const char* bytes_;
};

// Slots, then records. A slot is found from the lowest 16 bits of the hash, holds the next 16, and
// is followed by the one behind it (the first behind the last) when it is taken.
struct IndexShard {
  struct Slot {
    std::uint16_t tag = 0;
    std::uint16_t record = kEmpty;  // an offset behind the slots
  };
  static constexpr std::uint16_t kEmpty = 0xffff;
  static constexpr std::size_t kMaxBytes = 32 * 1024;

  static std::uint16_t tag_of(std::uint64_t hash) { return static_cast<std::uint16_t>(hash >> 16); }
  static std::uint32_t home_of(std::uint64_t hash, std::uint32_t slots) {
    return (static_cast<std::uint32_t>(hash & 0xffff) * slots) >> 16;
  }
  static Slot slot(const char* bytes, std::size_t at) {
    Slot slot;
    std::memcpy(&slot, bytes + at * sizeof slot, sizeof slot);
    return slot;
  }
  static IndexRecord record(const char* bytes, std::uint32_t slots, Slot slot) {
    return IndexRecord(bytes + slots * sizeof(Slot) + slot.record);
  }
  // The slot that holds the name, or `slots`.
  static std::uint32_t find(const char* bytes, std::uint32_t slots, const HostIndex::Name& name);

  std::unique_ptr<char[]> bytes;
  std::uint32_t slots = 0;  // more than there are names
  std::uint32_t size_bytes = 0;
  unsigned depth = 0;  // so many first bits of their hashes are the same
};

// The same with room, and with whole hashes, so that nothing has to be hashed again.
class HostIndexEditor::OpenShard {
 public:
  // With memory for so many usual names.
  explicit OpenShard(unsigned depth, std::size_t expected_names = 0);
  OpenShard(const IndexShard& shard, const HostIndex& hashes);
  std::shared_ptr<const IndexShard> close() const;

  Entry find(const Name& name, Kind kind) const;
  struct Put {
    Entry earlier;             // `value` is kNone: there was nothing
    bool is_new_name = false;
  };
  enum class IfThere : std::uint8_t { kKeep, kReplace };
  Put put(const Name& name, Kind kind, Entry entry, IfThere if_there);
  // True: the name is gone with it. There is such an entry.
  bool erase(const Name& name, Kind kind);
  // Whether another name of this length fits.
  bool has_room(std::size_t name_bytes) const;
  unsigned depth() const { return depth_; }
  // Moves those whose hash has the bit behind the first `depth()` ones set to `other`.
  void split(OpenShard& other);
  void prefetch(std::uint64_t hash) const { __builtin_prefetch(&slots_[home_of(hash)]); }

 private:
  struct Slot {
    std::uint64_t hash = 0;
    std::uint32_t record = kNoRecord;
  };
  static constexpr std::uint32_t kNoRecord = 0xffffffff;

  std::size_t home_of(std::uint64_t hash) const { return hash & (slots_.size() - 1); }
  std::size_t slot_of(const Name& name) const;
  void take_slot(std::uint64_t hash, std::uint32_t record);
  void resize(std::size_t slots);
  void grow_if_full() {
    if (names_ > slots_.size() / 4 * 3) resize(slots_.size() * 2);
  }
  std::uint32_t append(std::string_view name, const std::array<Entry, HostIndex::kKinds>& entries);

  unsigned depth_;
  std::uint32_t names_ = 0;
  std::size_t live_bytes_ = 0;  // of records; the rest was left behind by longer ones
  std::vector<Slot> slots_;     // a power of two, linear probing
  std::string records_;
};

}  // namespace weir::route
