#include "weir/route/host_index.h"

#include <algorithm>
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

}  // namespace

HostIndex::HostIndex(std::uint64_t hash_seed) {
  initial_state_ = split_mix(hash_seed);
  multiplier_ = split_mix(hash_seed) | 1;
}

// Both halves of a product with a secret factor: whoever does not know the factor cannot choose
// names that collide, which a plain FNV with a secret start would allow in its low bits.
std::uint64_t HostIndex::extend(std::uint64_t state, char byte) const {
  __extension__ using Wide = unsigned __int128;
  Wide product = static_cast<Wide>(state ^ static_cast<std::uint8_t>(byte)) * multiplier_;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

HostIndex::Name HostIndex::hashed(std::string_view name) const {
  std::uint64_t state = initial_state_;
  for (std::size_t i = name.size(); i-- > 0;) state = extend(state, name[i]);
  return {name, state};
}

void HostIndex::prefetch(const Name& name) const {
  if (directory_.empty()) return;
  const ShardView& shard = view_of(name.hash);
  __builtin_prefetch(shard.bytes + IndexShard::home_of(name.hash, shard.slots) *
                                       sizeof(IndexShard::Slot));
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
  for (std::size_t i = host.size(); i > 0; --i) {
    state = index.extend(state, host[i - 1]);
    if (i > 1 && host[i - 2] != '.') continue;
    ++labels_;
    if (!index.has_level(Kind::kExact, labels_) && !index.has_level(Kind::kOneLabel, labels_) &&
        !index.has_level(Kind::kSuffix, labels_)) {
      continue;
    }
    // The misses of all levels overlap; next() asks for the longest name, which is known last.
    index.prefetch({{}, state});
    candidates_[left_++] = {state, static_cast<std::uint16_t>(i - 1),
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
