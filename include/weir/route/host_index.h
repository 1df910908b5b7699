#pragma once
// Names to small numbers by one hash probe per label: which of exact, "*." and "." a name has, found
// for a host and all its suffixes in one pass from the right. The table above gives the numbers their
// meaning. Immutable once built; its interface is made for a million names, its form may change.
#include <cstdint>
#include <memory>
#include <string_view>

namespace weir::route {

class HostIndex {
 public:
  enum class Kind : std::uint8_t { kExact, kOneLabel /* *.name */, kSuffix /* .name */ };
  static constexpr std::uint32_t kNone = 0xffffffff;

  explicit HostIndex(std::uint64_t hash_seed);
  ~HostIndex();
  // Building. `name` is canonical and without "*." or "."; returns the earlier value or kNone when new.
  std::uint32_t insert(std::string_view name, Kind kind, std::uint32_t value);
  std::size_t size() const;

  // Calls `accept(value)` for each entry that covers `host`, from the most to the least specific
  // (CONTRACT §2: a.example.com, .a.example.com, *.example.com, .example.com, .com), until it
  // returns true; returns whether it did.
  template <typename Accept>
  bool walk(std::string_view host, Accept&& accept) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace weir::route
