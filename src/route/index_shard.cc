#include "index_shard.h"

#include <algorithm>
#include <utility>

#include "weir/base/check.h"

namespace weir::route {
namespace {

constexpr std::size_t kFirstSlots = 16;
constexpr std::size_t kUsualRecordBytes = 36;

// Slots of a published shard: a quarter of them stays empty.
std::uint32_t slots_for(std::size_t names) { return static_cast<std::uint32_t>(names + names / 3 + 1); }

}  // namespace

std::uint32_t IndexShard::find(const char* bytes, std::uint32_t slots,
                               const HostIndex::Name& name) {
  std::uint16_t tag = tag_of(name.hash);
  for (std::uint32_t at = home_of(name.hash, slots);;) {
    Slot found = slot(bytes, at);
    if (found.record == kEmpty) return slots;
    if (found.tag == tag && record(bytes, slots, found).has_name(name.text)) return at;
    if (++at == slots) at = 0;
  }
}

HostIndexEditor::OpenShard::OpenShard(unsigned depth, std::size_t expected_names)
    : depth_(depth), slots_(std::bit_ceil(std::max(kFirstSlots, expected_names * 3 / 2))) {
  records_.reserve(std::min(expected_names * kUsualRecordBytes, IndexShard::kMaxBytes));
}

HostIndexEditor::OpenShard::OpenShard(const IndexShard& shard, const HostIndex& hashes)
    : OpenShard(shard.depth) {
  std::size_t slots_bytes = shard.slots * sizeof(IndexShard::Slot);
  const char* records = shard.bytes.get() + slots_bytes;
  records_.assign(records, shard.size_bytes - slots_bytes);
  for (std::size_t at = 0; at < records_.size();) {
    IndexRecord record(records_.data() + at);
    ++names_;
    grow_if_full();
    take_slot(hashes.hashed(record.name()).hash, static_cast<std::uint32_t>(at));
    at += record.size();
  }
  live_bytes_ = records_.size();
}

std::shared_ptr<const IndexShard> HostIndexEditor::OpenShard::close() const {
  auto shard = std::make_shared<IndexShard>();
  shard->depth = depth_;
  shard->slots = slots_for(names_);
  std::size_t records_at = shard->slots * sizeof(IndexShard::Slot);
  shard->size_bytes = static_cast<std::uint32_t>(records_at + live_bytes_);
  shard->bytes = std::make_unique_for_overwrite<char[]>(shard->size_bytes);
  std::vector<IndexShard::Slot> slots(shard->slots);
  char* end = shard->bytes.get() + records_at;
  for (const Slot& slot : slots_) {
    if (slot.record == kNoRecord) continue;
    IndexRecord record(records_.data() + slot.record);
    std::uint32_t at = IndexShard::home_of(slot.hash, shard->slots);
    while (slots[at].record != IndexShard::kEmpty)
      if (++at == shard->slots) at = 0;
    slots[at] = {IndexShard::tag_of(slot.hash),
                 static_cast<std::uint16_t>(end - shard->bytes.get() -
                                            static_cast<std::ptrdiff_t>(records_at))};
    std::memcpy(end, records_.data() + slot.record, record.size());
    end += record.size();
  }
  std::memcpy(shard->bytes.get(), slots.data(), records_at);
  WEIR_CHECK(end == shard->bytes.get() + shard->size_bytes);
  return shard;
}

std::size_t HostIndexEditor::OpenShard::slot_of(const Name& name) const {
  std::size_t mask = slots_.size() - 1;
  for (std::size_t at = home_of(name.hash);; at = (at + 1) & mask) {
    const Slot& slot = slots_[at];
    if (slot.record == kNoRecord) return at;
    if (slot.hash == name.hash && IndexRecord(records_.data() + slot.record).has_name(name.text))
      return at;
  }
}

void HostIndexEditor::OpenShard::take_slot(std::uint64_t hash, std::uint32_t record) {
  std::size_t mask = slots_.size() - 1;
  std::size_t at = home_of(hash);
  while (slots_[at].record != kNoRecord) at = (at + 1) & mask;
  slots_[at] = {hash, record};
}

void HostIndexEditor::OpenShard::resize(std::size_t slots) {
  std::vector<Slot> old(slots);
  old.swap(slots_);
  for (const Slot& slot : old)
    if (slot.record != kNoRecord) take_slot(slot.hash, slot.record);
}

std::uint32_t HostIndexEditor::OpenShard::append(
    std::string_view name, const std::array<Entry, HostIndex::kKinds>& entries) {
  auto at = static_cast<std::uint32_t>(records_.size());
  unsigned kinds = 0;
  records_.push_back(static_cast<char>(name.size()));
  records_.push_back(0);
  for (std::size_t kind = 0; kind < entries.size(); ++kind) {
    if (entries[kind].value == HostIndex::kNone) continue;
    kinds |= 1u << kind;
    char bytes[sizeof(Entry)];
    std::memcpy(bytes, &entries[kind], sizeof bytes);
    records_.append(bytes, sizeof bytes);
  }
  records_[at + 1] = static_cast<char>(kinds);
  records_.append(name);
  live_bytes_ += records_.size() - at;
  return at;
}

HostIndexEditor::Entry HostIndexEditor::OpenShard::find(const Name& name, Kind kind) const {
  const Slot& slot = slots_[slot_of(name)];
  return slot.record == kNoRecord ? Entry{} : IndexRecord(records_.data() + slot.record).entry(kind);
}

HostIndexEditor::OpenShard::Put HostIndexEditor::OpenShard::put(const Name& name, Kind kind,
                                                                Entry entry, IfThere if_there) {
  std::size_t at = slot_of(name);
  std::array<Entry, HostIndex::kKinds> entries{};
  if (slots_[at].record == kNoRecord) {
    entries[static_cast<std::size_t>(kind)] = entry;
    slots_[at] = {name.hash, append(name.text, entries)};
    ++names_;
    grow_if_full();
    return {{}, true};
  }
  IndexRecord record(records_.data() + slots_[at].record);
  Entry earlier = record.entry(kind);
  if (earlier.value != HostIndex::kNone) {
    if (if_there == IfThere::kReplace)
      std::memcpy(records_.data() + slots_[at].record + record.offset_of(kind), &entry,
                  sizeof entry);
    return {earlier, false};
  }
  for (std::size_t i = 0; i < entries.size(); ++i) entries[i] = record.entry(static_cast<Kind>(i));
  entries[static_cast<std::size_t>(kind)] = entry;
  live_bytes_ -= record.size();
  slots_[at].record = append(name.text, entries);
  return {};
}

bool HostIndexEditor::OpenShard::erase(const Name& name, Kind kind) {
  std::size_t at = slot_of(name);
  WEIR_CHECK(slots_[at].record != kNoRecord);
  IndexRecord record(records_.data() + slots_[at].record);
  std::array<Entry, HostIndex::kKinds> entries{};
  for (std::size_t i = 0; i < entries.size(); ++i) entries[i] = record.entry(static_cast<Kind>(i));
  entries[static_cast<std::size_t>(kind)] = {};
  live_bytes_ -= record.size();
  if (record.entries() > 1) {
    slots_[at].record = append(name.text, entries);
    return false;
  }
  // What stands behind it moves up, so that it is still found.
  --names_;
  std::size_t mask = slots_.size() - 1;
  slots_[at] = {};
  for (std::size_t next = (at + 1) & mask; slots_[next].record != kNoRecord;
       next = (next + 1) & mask) {
    Slot moved = std::exchange(slots_[next], {});
    take_slot(moved.hash, moved.record);
  }
  return true;
}

bool HostIndexEditor::OpenShard::has_room(std::size_t name_bytes) const {
  std::size_t longest = IndexRecord::kHeadBytes + HostIndex::kKinds * sizeof(Entry) + name_bytes;
  return slots_for(names_ + 1) * sizeof(IndexShard::Slot) + live_bytes_ + longest <=
         IndexShard::kMaxBytes;
}

void HostIndexEditor::OpenShard::split(OpenShard& other) {
  std::uint64_t bit = std::uint64_t{1} << (63 - depth_);
  OpenShard rest(++depth_, names_ / 2);
  other = OpenShard(depth_, names_ / 2);
  for (const Slot& slot : slots_) {
    if (slot.record == kNoRecord) continue;
    OpenShard& to = (slot.hash & bit) != 0 ? other : rest;
    IndexRecord record(records_.data() + slot.record);
    ++to.names_;
    to.grow_if_full();
    to.take_slot(slot.hash, static_cast<std::uint32_t>(to.records_.size()));
    to.records_.append(records_, slot.record, record.size());
    to.live_bytes_ += record.size();
  }
  *this = std::move(rest);
}

}  // namespace weir::route
