#pragma once
// What the framing and connection fields of a head mean, for both directions (R01, R02, R13, R29).
// Decided here alone, from all fields of a name.
#include <cstdint>
#include <optional>
#include <string_view>

#include "guards.h"
#include "weir/http/fields.h"
#include "weir/http/message.h"

namespace weir::http {

struct FramingFields {
  const Field* content_length = nullptr;
  const Field* transfer_encoding = nullptr;
  bool says_close = false;
  bool says_keep_alive = false;
  bool says_upgrade = false;
  bool connection_names_fields = false;  // as in RequestHead
  unsigned connection_options = 0;
  // Takes a field of one of the three kinds, ignores others.
  Refusal collect(const Field& field);
  bool keeps_alive(int minor_version) const {
    return !says_close && (minor_version > 0 || says_keep_alive);
  }

 private:
  Refusal collect_connection(std::string_view list);
};

// More names in Connection than anybody needs make forwarding slow: each field is held against
// each.
inline constexpr unsigned kMaxConnectionOptions = 32;

// kNone when neither field is there.
Refusal read_framing(const FramingFields& fields, int minor_version, BodyFraming& out);

// Digits only, at most 2^63-1.
std::optional<std::uint64_t> parse_decimal(std::string_view text);

// Names that nobody may remove by naming them in Connection (R13).
bool is_protected_name(std::string_view name);
// Names that must not come behind a body, where they would frame, route or vouch (R17, R26).
bool is_forbidden_in_trailers(const Field& field);

}  // namespace weir::http
