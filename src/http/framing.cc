#include "framing.h"

#include <array>
#include <limits>

#include "known_name.h"

namespace weir::http {
namespace {

bool is_known_coding(std::string_view coding) {
  for (std::string_view known : {"gzip", "x-gzip", "deflate", "compress", "x-compress"})
    if (equals_ignoring_case(coding, known)) return true;
  return false;
}

// "chunked" and nothing else. A list that begins with codings that exist is one that somebody may
// mean, so it is not a malformed but an unsupported one.
Refusal read_codings(std::string_view list, BodyFraming& out) {
  if (equals_ignoring_case(list, "chunked")) {
    out = {BodyKind::kChunked, 0};
    return {};
  }
  if (list.empty()) return {"an empty Transfer-Encoding"};
  bool has_known = false;
  bool has_chunked = false;
  std::string_view member;
  while (next_list_member(list, member)) {
    if (has_chunked) return {"a transfer coding behind chunked"};
    has_chunked = equals_ignoring_case(member, "chunked");
    if (!has_chunked && !is_known_coding(member)) return {"an unknown transfer coding"};
    has_known |= !has_chunked;
  }
  if (has_known && has_chunked)
    return {"a transfer coding other than chunked", Failure::not_implemented};
  return {"Transfer-Encoding is not chunked alone"};
}

}  // namespace

Refusal FramingFields::collect(const Field& field) {
  switch (field.id) {
    case FieldId::kContentLength:
      if (content_length != nullptr) return {"two Content-Length fields"};
      content_length = &field;
      return {};
    case FieldId::kTransferEncoding:
      if (transfer_encoding != nullptr) return {"two Transfer-Encoding fields"};
      transfer_encoding = &field;
      return {};
    case FieldId::kConnection:
      return collect_connection(field.value);
    default:
      return {};
  }
}

Refusal FramingFields::collect_connection(std::string_view list) {
  std::string_view option;
  while (next_list_member(list, option)) {
    if (!is_all(option, kTokenChar)) return {"a Connection option is not a token"};
    if (++connection_options > kMaxConnectionOptions) return {"too many Connection options"};
    if (kKeepAliveOption.matches(option))
      says_keep_alive = true;
    else if (equals_ignoring_case(option, "close"))
      says_close = true;
    else if (equals_ignoring_case(option, "upgrade"))
      says_upgrade = true;
    else if (is_protected_name(option))
      return {"Connection names a field that must not be removed"};
    else if (!equals_ignoring_case(option, "te"))
      connection_names_fields = true;
  }
  return {};
}

Refusal read_framing(const FramingFields& fields, int minor_version, BodyFraming& out) {
  out = {};
  if (fields.transfer_encoding != nullptr) {
    if (fields.content_length != nullptr) return {"Transfer-Encoding together with Content-Length"};
    if (minor_version == 0) return {"Transfer-Encoding in HTTP/1.0"};
    return read_codings(fields.transfer_encoding->value, out);
  }
  if (fields.content_length == nullptr) return {};
  std::optional<std::uint64_t> length = parse_decimal(fields.content_length->value);
  if (!length) return {"Content-Length is not one number below 2^63"};
  out = {BodyKind::kLength, *length};
  return {};
}

std::optional<std::uint64_t> parse_decimal(std::string_view text) {
  constexpr std::uint64_t kMax = std::numeric_limits<std::int64_t>::max();
  if (text.empty()) return std::nullopt;
  std::uint64_t value = 0;
  for (char c : text) {
    if (!is_char(c, kDigitChar)) return std::nullopt;
    auto digit = static_cast<std::uint64_t>(c - '0');
    if (value > (kMax - digit) / 10) return std::nullopt;
    value = value * 10 + digit;
  }
  return value;
}

bool is_protected_name(std::string_view name) {
  using enum FieldId;
  switch (field_id(name)) {
    case kHost:
    case kContentLength:
    case kTransferEncoding:
    case kAuthorization:
    case kCookie:
    case kForwarded:
    case kVia:
    case kXForwardedFor:
    case kXForwardedProto:
    case kXForwardedHost:
    case kXForwardedPort:
    case kXRequestId:
    case kTraceparent:
    case kExpect:
    case kMaxForwards:
    case kDate:
      return true;
    default:
      return has_forwarded_prefix(name);
  }
}

bool is_forbidden_in_trailers(const Field& field) {
  if (field.id != FieldId::kOther || has_forwarded_prefix(field.name)) return true;
  static constexpr std::array<std::string_view, 9> kNames = {
      "content-encoding", "content-range",       "content-type", "cache-control",   "set-cookie",
      "x-real-ip",        "proxy-authorization", "range",        "www-authenticate"};
  for (std::string_view name : kNames)
    if (equals_ignoring_case(field.name, name)) return true;
  return false;
}

}  // namespace weir::http
