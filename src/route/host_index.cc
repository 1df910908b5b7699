#include "weir/route/host_index.h"

#include <bit>
#include <cstring>
#include <utility>

#include "weir/base/check.h"

namespace weir::route {
namespace {

constexpr std::size_t kFirstSlots = 16;
constexpr std::size_t kRecordHead = 2;

std::uint64_t split_mix(std::uint64_t& state) {
  std::uint64_t z = state += 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

std::uint8_t byte_at(const std::string& bytes, std::size_t at) {
  return static_cast<std::uint8_t>(bytes[at]);
}

unsigned bit_of(HostIndex::Kind kind) { return 1u << static_cast<unsigned>(kind); }

std::size_t count_labels(std::string_view name) {
  std::size_t labels = 1;
  for (char c : name) labels += c == '.';
  return labels;
}

}  // namespace

HostIndex::HostIndex(std::uint64_t hash_seed) : slots_(kFirstSlots) {
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

std::uint32_t HostIndex::hash_of(std::string_view name) const {
  std::uint64_t state = initial_state_;
  for (std::size_t i = name.size(); i-- > 0;) state = extend(state, name[i]);
  return static_cast<std::uint32_t>(state);
}

std::size_t HostIndex::slot_of(std::uint32_t hash, std::string_view name) const {
  std::size_t mask = slots_.size() - 1;
  for (std::size_t i = hash & mask;; i = (i + 1) & mask) {
    const Slot& slot = slots_[i];
    if (slot.record == kNone) return i;
    if (slot.hash != hash || byte_at(records_, slot.record) != name.size()) continue;
    std::size_t values =
        static_cast<std::size_t>(std::popcount(byte_at(records_, slot.record + 1)));
    const char* stored =
        records_.data() + slot.record + kRecordHead + values * sizeof(std::uint32_t);
    if (std::memcmp(stored, name.data(), name.size()) == 0) return i;
  }
}

std::uint32_t HostIndex::value_of(std::uint32_t record, Kind kind) const {
  unsigned kinds = byte_at(records_, record + 1);
  if ((kinds & bit_of(kind)) == 0) return kNone;
  std::size_t before = static_cast<std::size_t>(std::popcount(kinds & (bit_of(kind) - 1)));
  std::uint32_t value = kNone;
  std::memcpy(&value, records_.data() + record + kRecordHead + before * sizeof value, sizeof value);
  return value;
}

std::uint32_t HostIndex::append_record(std::string_view name,
                                       const std::array<std::uint32_t, kKinds>& values) {
  WEIR_CHECK(records_.size() < kNone - 2 * kMaxNameBytes);
  auto record = static_cast<std::uint32_t>(records_.size());
  unsigned kinds = 0;
  records_.push_back(static_cast<char>(name.size()));
  records_.push_back(0);
  for (std::size_t kind = 0; kind < kKinds; ++kind) {
    if (values[kind] == kNone) continue;
    kinds |= 1u << kind;
    char bytes[sizeof(std::uint32_t)];
    std::memcpy(bytes, &values[kind], sizeof bytes);
    records_.append(bytes, sizeof bytes);
  }
  records_[record + 1] = static_cast<char>(kinds);
  records_.append(name);
  return record;
}

void HostIndex::grow() {
  std::vector<Slot> old(slots_.size() * 2);
  old.swap(slots_);
  std::size_t mask = slots_.size() - 1;
  for (const Slot& slot : old) {
    if (slot.record == kNone) continue;
    std::size_t i = slot.hash & mask;
    while (slots_[i].record != kNone) i = (i + 1) & mask;
    slots_[i] = slot;
  }
}

std::uint32_t HostIndex::insert(std::string_view name, Kind kind, std::uint32_t value) {
  WEIR_CHECK(name.size() <= kMaxNameBytes && value != kNone);
  std::uint32_t hash = hash_of(name);
  std::size_t slot = slot_of(hash, name);
  std::array<std::uint32_t, kKinds> values{kNone, kNone, kNone};
  bool is_new = slots_[slot].record == kNone;
  if (!is_new) {
    std::uint32_t earlier = value_of(slots_[slot].record, kind);
    if (earlier != kNone) return earlier;
    for (std::size_t i = 0; i < kKinds; ++i) {
      values[i] = value_of(slots_[slot].record, static_cast<Kind>(i));
    }
  }
  values[static_cast<std::size_t>(kind)] = value;
  // A second kind makes the record longer, so it moves; the few bytes left behind are not worth
  // more.
  slots_[slot] = {hash, append_record(name, values)};
  levels_[static_cast<std::size_t>(kind)].set(count_labels(name));
  if (is_new && ++names_ > slots_.size() / 4 * 3) grow();
  return kNone;
}

void HostIndex::finish() { records_.shrink_to_fit(); }

std::uint32_t HostIndex::find(std::string_view name, Kind kind) const {
  if (name.size() > kMaxNameBytes) return kNone;
  const Slot& slot = slots_[slot_of(hash_of(name), name)];
  return slot.record == kNone ? kNone : value_of(slot.record, kind);
}

std::size_t HostIndex::memory_bytes() const {
  return sizeof *this + slots_.capacity() * sizeof(Slot) + records_.capacity();
}

HostIndex::Walk::Walk(const HostIndex& index, std::string_view host) : index_(index), host_(host) {
  if (host.size() > kMaxNameBytes) return;
  const auto& [exact, one_label, suffix] = index.levels_;
  std::size_t mask = index.slots_.size() - 1;
  std::uint64_t state = index.initial_state_;
  for (std::size_t i = host.size(); i > 0; --i) {
    state = index.extend(state, host[i - 1]);
    if (i > 1 && host[i - 2] != '.') continue;
    ++labels_;
    if (!exact[labels_] && !one_label[labels_] && !suffix[labels_]) continue;
    auto hash = static_cast<std::uint32_t>(state);
    // The misses of all levels overlap; next() asks for the longest name, which is known last.
    __builtin_prefetch(&index.slots_[hash & mask]);
    candidates_[left_++] = {hash, static_cast<std::uint16_t>(i - 1),
                            static_cast<std::uint16_t>(labels_)};
  }
}

HostIndex::Kind HostIndex::Walk::kind_at(std::size_t labels) const {
  if (labels == labels_) return Kind::kExact;
  return labels + 1 == labels_ ? Kind::kOneLabel : Kind::kSuffix;
}

std::uint32_t HostIndex::Walk::next() {
  if (suffix_ != kNone) return std::exchange(suffix_, kNone);
  while (left_ > 0) {
    const Candidate& candidate = candidates_[--left_];
    Kind kind = kind_at(candidate.labels);
    const auto& levels = index_.levels_;
    if (!levels[static_cast<std::size_t>(kind)][candidate.labels] &&
        !levels[static_cast<std::size_t>(Kind::kSuffix)][candidate.labels]) {
      continue;
    }
    std::string_view name = host_.substr(candidate.begin);
    std::uint32_t record = index_.slots_[index_.slot_of(candidate.hash, name)].record;
    if (record == kNone) continue;
    std::uint32_t suffix = index_.value_of(record, Kind::kSuffix);
    std::uint32_t first = kind == Kind::kSuffix ? kNone : index_.value_of(record, kind);
    if (first == kNone) first = std::exchange(suffix, kNone);
    if (first == kNone) continue;
    suffix_ = suffix;
    return first;
  }
  return kNone;
}

}  // namespace weir::route
