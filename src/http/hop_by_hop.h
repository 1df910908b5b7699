#pragma once
// Fields that end at weir: those of RFC 9110 §7.6.1 and what Connection names (R13).
#include <array>
#include <string_view>

#include "framing.h"
#include "weir/http/fields.h"

namespace weir::http {

// The names listed in all Connection fields of a parsed head.
class NamedFields {
 public:
  explicit NamedFields(const Fields& fields);
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

// Never forwarded as received: framing and hop-by-hop fields, and what others write anew.
constexpr bool is_hop_by_hop(FieldId id) {
  return id == FieldId::kConnection || id == FieldId::kKeepAlive ||
         id == FieldId::kProxyConnection || id == FieldId::kTe ||
         id == FieldId::kTransferEncoding || id == FieldId::kUpgrade ||
         id == FieldId::kHttp2Settings;
}

// Upper bound for the fields as received, each written once.
inline std::size_t wire_bytes(const Fields& fields) {
  std::size_t bytes = 0;
  for (const Field& field : fields) bytes += field.name.size() + field.value.size() + 4;
  return bytes;
}

}  // namespace weir::http
