#pragma once
// Fields that end at weir: those of RFC 9110 §7.6.1 and what Connection names (R13).
#include <array>
#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "framing.h"
#include "weir/http/fields.h"

namespace weir::http {

// The names listed in all Connection fields of a parsed head.
class NamedFields {
 public:
  explicit NamedFields(const Fields& fields);
  bool is_empty() const { return count_ == 0; }
  bool contains(std::string_view name) const;

 private:
  // Without an initialiser: most messages name nothing, and the array is large.
  struct Name {
    const char* data;
    std::size_t size;
  };
  std::array<Name, kMaxConnectionOptions> names_;
  std::size_t count_ = 0;
};

class FieldIds {
 public:
  consteval FieldIds(std::initializer_list<FieldId> ids) {
    for (FieldId id : ids) bits_ |= bit_of(id);
  }
  constexpr bool contains(FieldId id) const { return (bits_ & bit_of(id)) != 0; }
  friend consteval FieldIds operator+(FieldIds a, FieldIds b) {
    a.bits_ |= b.bits_;
    return a;
  }

 private:
  static constexpr std::uint64_t bit_of(FieldId id) {
    return std::uint64_t{1} << static_cast<unsigned>(id);
  }
  std::uint64_t bits_ = 0;
};
static_assert(static_cast<unsigned>(FieldId::kFramingAlias) < 64, "the last one, by now");

// Never forwarded as received: framing and hop-by-hop fields, and what others write anew.
inline constexpr FieldIds kHopByHop = {
    FieldId::kConnection,       FieldId::kKeepAlive, FieldId::kProxyConnection, FieldId::kTe,
    FieldId::kTransferEncoding, FieldId::kUpgrade,   FieldId::kHttp2Settings};
constexpr bool is_hop_by_hop(FieldId id) { return kHopByHop.contains(id); }

// Upper bound for the fields as received, each written once.
inline std::size_t wire_bytes(const Fields& fields) {
  std::size_t bytes = 0;
  for (const Field& field : fields) bytes += field.name.size() + field.value.size() + 4;
  return bytes;
}

}  // namespace weir::http
