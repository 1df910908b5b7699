#include "weir/http/fields.h"

#include <array>

namespace weir::http {
namespace {

// Lower case; everything that a CGI gateway turns into '_' becomes '-', as '-' itself does there.
constexpr std::array<char, 256> make_folding() {
  std::array<char, 256> folding{};
  for (unsigned c = 0; c < 256; ++c) {
    bool is_upper = c >= 'A' && c <= 'Z';
    bool is_plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    folding[c] = is_upper ? static_cast<char>(c + 32) : is_plain ? static_cast<char>(c) : '-';
  }
  return folding;
}
constexpr std::array<char, 256> kFolding = make_folding();

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

// R16: of names whose CGI spelling must come from the real field only.
FieldId alias_of(FieldId id) {
  switch (id) {
    case FieldId::kContentLength:
    case FieldId::kTransferEncoding:
      return FieldId::kFramingAlias;
    case FieldId::kMaxForwards:
    case FieldId::kXForwardedFor:
    case FieldId::kXForwardedProto:
    case FieldId::kXForwardedHost:
    case FieldId::kXForwardedPort:
    case FieldId::kXRequestId:
      return FieldId::kGatewayAlias;
    default:
      return FieldId::kOther;
  }
}

struct Known {
  std::string_view name;
  FieldId id;
};

// `id` when `name` is `known` (same length), its alias id when only punctuation differs.
FieldId match(std::string_view name, Known known) {
  bool is_exact = true;
  for (std::size_t i = 0; i < name.size(); ++i) {
    char c = name[i];
    if (kFolding[static_cast<unsigned char>(c)] != known.name[i]) return FieldId::kOther;
    is_exact &= known.name[i] != '-' || c == '-';
  }
  return is_exact ? known.id : alias_of(known.id);
}

template <typename... Candidates>
FieldId first_match(std::string_view name, Candidates... candidates) {
  FieldId id = FieldId::kOther;
  static_cast<void>((((id = match(name, candidates)) != FieldId::kOther) || ...));
  return id;
}

}  // namespace

FieldId field_id(std::string_view name) {
  using enum FieldId;
  switch (name.size()) {
    case 2:
      return first_match(name, Known{"te", kTe});
    case 3:
      return first_match(name, Known{"via", kVia});
    case 4:
      return first_match(name, Known{"host", kHost}, Known{"date", kDate});
    case 6:
      return first_match(name, Known{"accept", kAccept}, Known{"cookie", kCookie},
                         Known{"origin", kOrigin}, Known{"server", kServer},
                         Known{"expect", kExpect});
    case 7:
      return first_match(name, Known{"referer", kReferer}, Known{"upgrade", kUpgrade},
                         Known{"trailer", kTrailer});
    case 8:
      return first_match(name, Known{"location", kLocation});
    case 9:
      return first_match(name, Known{"forwarded", kForwarded});
    case 10:
      return first_match(name, Known{"connection", kConnection}, Known{"user-agent", kUserAgent},
                         Known{"keep-alive", kKeepAlive});
    case 11:
      return first_match(name, Known{"traceparent", kTraceparent});
    case 12:
      return first_match(name, Known{"x-request-id", kXRequestId},
                         Known{"max-forwards", kMaxForwards});
    case 13:
      return first_match(name, Known{"authorization", kAuthorization});
    case 14:
      return first_match(name, Known{"content-length", kContentLength},
                         Known{"http2-settings", kHttp2Settings});
    case 15:
      return first_match(name, Known{"x-forwarded-for", kXForwardedFor});
    case 16:
      return first_match(name, Known{"x-forwarded-host", kXForwardedHost},
                         Known{"x-forwarded-port", kXForwardedPort},
                         Known{"proxy-connection", kProxyConnection});
    case 17:
      return first_match(name, Known{"x-forwarded-proto", kXForwardedProto},
                         Known{"transfer-encoding", kTransferEncoding});
    default:
      return kOther;
  }
}

bool has_forwarded_prefix(std::string_view name) {
  constexpr std::string_view kPrefix = "x-forwarded-";
  if (name.size() < kPrefix.size()) return false;
  for (std::size_t i = 0; i < kPrefix.size(); ++i)
    if (kFolding[static_cast<unsigned char>(name[i])] != kPrefix[i]) return false;
  return true;
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (lower(a[i]) != lower(b[i])) return false;
  return true;
}

namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::size_t member_end(std::string_view list) {
  bool is_quoted = false;
  for (std::size_t i = 0; i < list.size(); ++i) {
    char c = list[i];
    if (c == '"')
      is_quoted = !is_quoted;
    else if (c == '\\' && is_quoted)
      ++i;
    else if (c == ',' && !is_quoted)
      return i;
  }
  return list.size();
}

}  // namespace

bool next_list_member(std::string_view& list, std::string_view& member) {
  while (!list.empty()) {
    std::size_t end = member_end(list);
    member = trimmed(list.substr(0, end));
    list.remove_prefix(end == list.size() ? end : end + 1);
    if (!member.empty()) return true;
  }
  return false;
}

}  // namespace weir::http
