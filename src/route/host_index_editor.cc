#include <algorithm>
#include <bit>

#include "index_shard.h"
#include "weir/base/check.h"

namespace weir::route {
namespace {

// What a name costs in a published shard, about, to guess how many shards there are going to be.
constexpr std::size_t kUsualNameBytes = 44;

}  // namespace

struct HostIndexEditor::Shard {
  std::shared_ptr<const IndexShard> closed;  // as it is published
  std::unique_ptr<OpenShard> open;           // with changes; counts, if there is one
  unsigned depth() const { return open ? open->depth() : closed->depth; }
};

HostIndexEditor::HostIndexEditor(std::uint64_t hash_seed) : newest_(hash_seed) {
  shards_.push_back(std::make_unique<Shard>());
  shards_[0]->open = std::make_unique<OpenShard>(0);
  directory_ = {shards_[0].get()};
}
HostIndexEditor::~HostIndexEditor() = default;

HostIndexEditor::Shard& HostIndexEditor::shard_of(const Name& name) const {
  unsigned depth = newest_.depth_;
  return *directory_[depth == 0 ? 0 : name.hash >> (64 - depth)];
}

HostIndexEditor::OpenShard& HostIndexEditor::opened(Shard& shard) {
  if (shard.open == nullptr) shard.open = std::make_unique<OpenShard>(*shard.closed, newest_);
  return *shard.open;
}

void HostIndexEditor::prefetch(const Name& name) const {
  const Shard& shard = shard_of(name);
  if (shard.open != nullptr)
    shard.open->prefetch(name.hash);
  else
    __builtin_prefetch(shard.closed->bytes.get() +
                       IndexShard::home_of(name.hash, shard.closed->slots) *
                           sizeof(IndexShard::Slot));
}

void HostIndexEditor::expect(std::size_t names) {
  std::size_t shards = (newest_.names_ + names) * kUsualNameBytes / IndexShard::kMaxBytes;
  auto depth = static_cast<unsigned>(std::bit_width(shards));
  std::size_t names_each = (names >> depth) + (names >> depth) / 8;
  // Only where nothing has to be moved: others find their size by and by.
  if (newest_.names_ > 0 || depth <= newest_.depth_) return;
  shards_.clear();
  directory_.clear();
  for (std::size_t i = 0; i < std::size_t{1} << depth; ++i) {
    shards_.push_back(std::make_unique<Shard>());
    shards_.back()->open = std::make_unique<OpenShard>(depth, names_each);
    directory_.push_back(shards_.back().get());
  }
  newest_.depth_ = depth;
}

HostIndexEditor::Entry HostIndexEditor::find(const Name& name, Kind kind) const {
  const Shard& shard = shard_of(name);
  if (shard.open != nullptr) return shard.open->find(name, kind);
  const char* bytes = shard.closed->bytes.get();
  std::uint32_t slots = shard.closed->slots;
  std::uint32_t slot = IndexShard::find(bytes, slots, name);
  if (slot == slots) return {};
  return IndexShard::record(bytes, slots, IndexShard::slot(bytes, slot)).entry(kind);
}

HostIndexEditor::OpenShard& HostIndexEditor::make_room(const Name& name) {
  for (;;) {
    Shard& shard = shard_of(name);
    OpenShard& open = opened(shard);
    if (open.has_room(name.text.size())) return open;
    split(shard);
  }
}

HostIndexEditor::Entry HostIndexEditor::put(const Name& name, Kind kind, Entry entry,
                                            bool replaces) {
  WEIR_CHECK(name.text.size() <= HostIndex::kMaxNameBytes && entry.value != HostIndex::kNone);
  auto if_there = replaces ? OpenShard::IfThere::kReplace : OpenShard::IfThere::kKeep;
  OpenShard::Put put = make_room(name).put(name, kind, entry, if_there);
  newest_.names_ += put.is_new_name ? 1 : 0;
  if (put.earlier.value != HostIndex::kNone) return put.earlier;
  ++newest_.entries_;
  ++newest_.levels_[static_cast<std::size_t>(kind)][name.labels];
  return {};
}

HostIndexEditor::Entry HostIndexEditor::erase(const Name& name, Kind kind) {
  Entry earlier = find(name, kind);
  if (earlier.value == HostIndex::kNone) return earlier;
  if (opened(shard_of(name)).erase(name, kind)) --newest_.names_;
  --newest_.entries_;
  --newest_.levels_[static_cast<std::size_t>(kind)][name.labels];
  return earlier;
}

void HostIndexEditor::double_directory() {
  std::vector<Shard*> doubled;
  doubled.reserve(directory_.size() * 2);
  for (Shard* shard : directory_) doubled.insert(doubled.end(), 2, shard);
  directory_.swap(doubled);
  ++newest_.depth_;
}

void HostIndexEditor::split(Shard& shard) {
  unsigned depth = shard.depth();
  WEIR_CHECK(depth < 48);
  if (depth == newest_.depth_) double_directory();
  auto other = std::make_unique<Shard>();
  other->open = std::make_unique<OpenShard>(depth + 1);
  opened(shard).split(*other->open);
  // The shard's places in the directory stand together; the second half is the other's.
  auto first = std::find(directory_.begin(), directory_.end(), &shard);
  std::size_t places = std::size_t{1} << (newest_.depth_ - depth);
  std::fill_n(first + static_cast<std::ptrdiff_t>(places / 2), places / 2, other.get());
  shards_.push_back(std::move(other));
}

HostIndex HostIndexEditor::publish() {
  newest_.most_labels_ = 0;
  for (const auto& counts : newest_.levels_)
    for (std::size_t labels = newest_.most_labels_ + 1; labels < counts.size(); ++labels)
      if (counts[labels] != 0) newest_.most_labels_ = labels;
  newest_.directory_.clear();
  newest_.shards_.clear();
  newest_.places_ = 0;
  HostIndex::ShardView view;
  const Shard* last = nullptr;
  for (Shard* shard : directory_) {
    if (shard != last) {
      if (shard->open != nullptr) {
        shard->closed = shard->open->close();
        shard->open.reset();
      }
      view = {shard->closed->bytes.get(), shard->closed->slots,
              static_cast<std::uint32_t>(newest_.places_ / HostIndex::kKinds)};
      newest_.places_ += shard->closed->slots * HostIndex::kKinds;
      newest_.shards_.push_back(shard->closed);
      last = shard;
    }
    newest_.directory_.push_back(view);
  }
  return newest_;
}

}  // namespace weir::route
