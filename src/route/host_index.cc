#include "weir/route/host_index.h"

#include <algorithm>
#include <cstring>
#include <unordered_set>
#include <utility>

#include "index_shard.h"
#include "route_walk.h"

namespace weir::route {
namespace {

std::uint64_t split_mix(std::uint64_t& state) {
  std::uint64_t z = state += 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

std::uint64_t fold(std::uint64_t a, std::uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

template <typename Word>
std::uint64_t load(const char* bytes) {
  Word word;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}
std::uint64_t load64(const char* bytes) { return load<std::uint64_t>(bytes); }

// At most eight bytes; some of them twice.
std::uint64_t load_short(const char* bytes, std::size_t size) {
  if (size >= 4)
    return load<std::uint32_t>(bytes) << 32 | load<std::uint32_t>(bytes + size - 4);
  if (size == 0) return 0;
  return load<std::uint8_t>(bytes) << 16 | load<std::uint8_t>(bytes + size / 2) << 8 |
         load<std::uint8_t>(bytes + size - 1);
}

}  // namespace

HostIndex::HostIndex(std::uint64_t hash_seed) {
  initial_state_ = split_mix(hash_seed);
  multiplier_ = split_mix(hash_seed) | 1;
}

// The hash of a name from that of what stands behind the label, eight bytes at a time. Both halves
// of a product with a secret factor: whoever does not know the factor cannot choose names that
// collide. The label's length is in the last factor, so that neither zeros nor the bytes that two
// reads of a short label share make two labels one.
std::uint64_t HostIndex::extend(std::uint64_t state, const char* label, std::size_t size) const {
  std::uint64_t last_factor = multiplier_ + 2 * size;
  for (; size > 8; size -= 8, label += 8) state = fold(state ^ load64(label), multiplier_);
  return fold(state ^ load_short(label, size), last_factor);
}

HostIndex::Name HostIndex::hashed(std::string_view name) const {
  Name hashed{name, initial_state_, 0};
  std::size_t end = name.size();
  for (std::size_t i = end; i-- > 0;) {
    if (name[i] != '.') continue;
    hashed.hash = extend(hashed.hash, name.data() + i + 1, end - i - 1);
    ++hashed.labels;
    end = i;
  }
  hashed.hash = extend(hashed.hash, name.data(), end);
  ++hashed.labels;
  return hashed;
}

void HostIndex::prefetch(const Name& name) const {
  if (directory_.empty()) return;
  const ShardView& shard = view_of(name.hash);
  __builtin_prefetch(shard.bytes + IndexShard::home_of(name.hash, shard.slots) *
                                       sizeof(IndexShard::Slot));
}

void HostIndex::prefetch_place(const Name& name) const {
  if (directory_.empty()) return;
  const ShardView& shard = view_of(name.hash);
  IndexShard::Slot slot =
      IndexShard::slot(shard.bytes, IndexShard::home_of(name.hash, shard.slots));
  if (slot.record != IndexShard::kEmpty)
    __builtin_prefetch(shard.bytes + shard.slots * sizeof(IndexShard::Slot) + slot.record);
}

HostIndex::Found HostIndex::find(const Name& name, Kind kind) const {
  if (directory_.empty()) return {};
  const ShardView& shard = view_of(name.hash);
  std::uint32_t slot = IndexShard::find(shard.bytes, shard.slots, name);
  if (slot == shard.slots) return {};
  IndexRecord record =
      IndexShard::record(shard.bytes, shard.slots, IndexShard::slot(shard.bytes, slot));
  return {record.entry(kind), (shard.first_slot + slot) * kKinds + static_cast<std::size_t>(kind)};
}

std::size_t HostIndex::memory_bytes() const {
  std::size_t bytes = sizeof *this + directory_.capacity() * sizeof(ShardView) +
                      shards_.capacity() * sizeof(shards_[0]);
  for (const auto& shard : shards_) bytes += sizeof *shard + shard->size_bytes;
  return bytes;
}

std::size_t HostIndex::shards_shared_with(const HostIndex& other) const {
  std::unordered_set<const IndexShard*> theirs;
  for (const auto& shard : other.shards_) theirs.insert(shard.get());
  return static_cast<std::size_t>(
      std::count_if(shards_.begin(), shards_.end(),
                    [&theirs](const auto& shard) { return theirs.contains(shard.get()); }));
}

HostIndex::Walk::Walk(const HostIndex& index, std::string_view host) : index_(index), host_(host) {
  if (host.size() > kMaxNameBytes || index.directory_.empty()) return;
  std::uint64_t state = index.initial_state_;
  std::size_t end = host.size();
  for (std::size_t i = end; i-- > 0;) {
    if (i > 0 && host[i - 1] != '.') continue;
    // What no entry ends in is no longer worth hashing.
    if (++labels_ > index.most_labels_) continue;
    state = index.extend(state, host.data() + i, end - i);
    end = i > 0 ? i - 1 : 0;
    if (!index.has_level(Kind::kExact, labels_) && !index.has_level(Kind::kOneLabel, labels_) &&
        !index.has_level(Kind::kSuffix, labels_)) {
      continue;
    }
    // The misses of all levels overlap; next() asks for the longest name, which is known last.
    index.prefetch({{}, state, 0});
    candidates_[left_++] = {state, static_cast<std::uint16_t>(i),
                            static_cast<std::uint16_t>(labels_)};
  }
}

std::uint32_t HostIndex::Walk::next() {
  Unwatched nobody;
  return next(nobody);
}

HostIndex::Reader::Reader(const HostIndex& index, PlaceNumber from) : index_(index), next_(from) {
  while (shard_ < index.shards_.size() &&
         first_slot_ + index.shards_[shard_]->slots <= from / kKinds) {
    first_slot_ += index.shards_[shard_++]->slots;
  }
}

const HostIndex::Reader::Item* HostIndex::Reader::next() {
  while (shard_ < index_.shards_.size()) {
    const IndexShard& shard = *index_.shards_[shard_];
    std::size_t at = next_ / kKinds - first_slot_;
    if (at == shard.slots) {
      first_slot_ += shard.slots;
      ++shard_;
      continue;
    }
    IndexShard::Slot slot = IndexShard::slot(shard.bytes.get(), at);
    if (slot.record == IndexShard::kEmpty) {
      next_ = (first_slot_ + at + 1) * kKinds;
      continue;
    }
    IndexRecord record = IndexShard::record(shard.bytes.get(), shard.slots, slot);
    auto kind = static_cast<Kind>(next_ % kKinds);
    Item item{record.name(), kind, record.entry(kind), next_++};
    if (item.entry.value == kNone) continue;
    item_ = item;
    return &item_;
  }
  return nullptr;
}

}  // namespace weir::route
