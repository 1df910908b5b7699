#pragma once
// Names to small numbers: which of exact, "*." and "." a name has, found for a host and all its
// suffixes in one pass from the right. The table above gives the numbers their meaning.
//
// A version is immutable and may be read by any thread. It consists of shards of at most 32 KiB
// (extendible hashing: the first bits of a name's hash choose its shard), each one blob of slots and
// records; versions share the shards that did not change between them. Made for a million names:
// about 18 bytes and the name each, two cache misses a hit.
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace weir::route {

struct IndexShard;

class HostIndex {
 public:
  enum class Kind : std::uint8_t { kExact, kOneLabel /* *.name */, kSuffix /* .name */ };
  static constexpr std::size_t kKinds = 3;
  static constexpr std::uint32_t kNone = 0xffffffff;
  static constexpr std::size_t kMaxNameBytes = 255;
  // What is known of a name and kind. The index looks at neither.
  struct Entry {
    std::uint32_t value = kNone;   // what a lookup is for; kNone: no entry
    std::uint32_t origin = 0;      // for those who keep the table
    bool operator==(const Entry&) const = default;
  };
  // A name with its hash: by an index of the same seed.
  struct Name {
    std::string_view text;
    std::uint64_t hash = 0;
    std::uint32_t labels = 0;
  };
  // Which entry, among all that a version may have: below places(), the same as long as that
  // version exists.
  using PlaceNumber = std::size_t;
  struct Found {
    Entry entry;
    PlaceNumber place = 0;
  };
  class Walk;
  class Reader;

  // Empty. `hash_seed` is unknown to those who choose names and hosts.
  explicit HostIndex(std::uint64_t hash_seed);

  Name hashed(std::string_view name) const;
  // Asks for the memory that find() will need: where the name's place is told, and, when that is
  // there, the place.
  void prefetch(const Name& name) const;
  void prefetch_place(const Name& name) const;
  // Names that have no labels (IP literals) are looked up by this, too.
  Found find(const Name& name, Kind kind) const;
  std::uint32_t find(std::string_view name, Kind kind) const {
    return name.size() > kMaxNameBytes ? kNone : find(hashed(name), kind).entry.value;
  }
  std::size_t names() const { return names_; }
  std::size_t entries() const { return entries_; }
  PlaceNumber places() const { return places_; }
  std::size_t memory_bytes() const;  // shards that it shares included
  std::size_t shards() const { return shards_.size(); }
  std::size_t shards_shared_with(const HostIndex& other) const;

 private:
  friend class HostIndexEditor;
  static constexpr std::size_t kMaxLabels = kMaxNameBytes + 1;
  // How many entries there are with so many labels.
  using Levels = std::array<std::array<std::uint32_t, kMaxLabels + 1>, kKinds>;
  // What a lookup needs of a shard, at one place.
  struct ShardView {
    const char* bytes = nullptr;
    std::uint32_t slots = 0;
    std::uint32_t first_slot = 0;  // of all slots of the version
  };
  std::uint64_t extend(std::uint64_t state, const char* label, std::size_t size) const;
  const ShardView& view_of(std::uint64_t hash) const {
    return directory_[depth_ == 0 ? 0 : hash >> (64 - depth_)];
  }
  bool has_level(Kind kind, std::size_t labels) const {
    return levels_[static_cast<std::size_t>(kind)][labels] != 0;
  }

  std::uint64_t initial_state_;
  std::uint64_t multiplier_;
  unsigned depth_ = 0;  // bits of the hash that the directory goes by
  std::size_t names_ = 0;
  std::size_t entries_ = 0;
  PlaceNumber places_ = 0;
  std::vector<ShardView> directory_;
  std::vector<std::shared_ptr<const IndexShard>> shards_;  // each once, in order of the directory
  Levels levels_{};
  std::size_t most_labels_ = 0;  // of any entry
};

// One lookup: the values of all entries that cover `host` from the most to the least specific
// (CONTRACT §2: a.example.com, .a.example.com, *.example.com, .example.com, .com). Allocates
// nothing; lives on the stack, no longer than the index and the host.
class HostIndex::Walk {
 public:
  Walk(const HostIndex& index, std::string_view host);
  // The next value, kNone at the end.
  std::uint32_t next();
  // The same, watched (src/route/route_walk.h).
  template <typename Watch>
  std::uint32_t next(Watch& watch);
  // How many names it will look for at most: only suffixes as long as entries are.
  std::size_t names_left() const { return left_; }

 private:
  struct Candidate {
    std::uint64_t hash;
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

// All entries one after the other, in order of their places. Lives no longer than the index.
class HostIndex::Reader {
 public:
  struct Item {
    std::string_view name;
    Kind kind = Kind::kExact;
    Entry entry;
    PlaceNumber place = 0;
  };
  // Begins at `from` or the first entry behind it.
  explicit Reader(const HostIndex& index, PlaceNumber from = 0);
  // Null at the end; valid until the next call.
  const Item* next();

 private:
  const HostIndex& index_;
  std::size_t shard_ = 0;       // of index_.shards_
  std::size_t first_slot_ = 0;  // of that shard
  PlaceNumber next_ = 0;
  Item item_;
};

// Makes versions: holds the newest one and what has changed since. One thread at a time.
class HostIndexEditor {
 public:
  using Entry = HostIndex::Entry;
  using Kind = HostIndex::Kind;
  using Name = HostIndex::Name;
  explicit HostIndexEditor(std::uint64_t hash_seed);
  ~HostIndexEditor();

  // Names are canonical, without "*." or ".", at most kMaxNameBytes long.
  Name hashed(std::string_view name) const { return newest_.hashed(name); }
  void prefetch(const Name& name) const;
  // About so many names are going to be inserted.
  void expect(std::size_t names);
  Entry find(const Name& name, Kind kind) const;
  // Returns what is there already and stays (`value` is kNone: there was nothing).
  Entry insert(const Name& name, Kind kind, Entry entry) { return put(name, kind, entry, false); }
  // The entry as it is from now on. Returns what was there.
  Entry set(const Name& name, Kind kind, Entry entry) { return put(name, kind, entry, true); }
  // What was there; `value` is kNone: nothing.
  Entry erase(const Name& name, Kind kind);
  std::size_t names() const { return newest_.names_; }
  std::size_t entries() const { return newest_.entries_; }

  // The version as it is now. Shards without change since the last one are that one's.
  HostIndex publish();

 private:
  class OpenShard;
  struct Shard;
  Entry put(const Name& name, Kind kind, Entry entry, bool replaces);
  Shard& shard_of(const Name& name) const;
  OpenShard& opened(Shard& shard);
  OpenShard& make_room(const Name& name);
  void split(Shard& shard);
  void double_directory();

  HostIndex newest_;  // its directory is of the last publish(), its counts are of now
  std::vector<Shard*> directory_;
  std::vector<std::unique_ptr<Shard>> shards_;
};

}  // namespace weir::route
