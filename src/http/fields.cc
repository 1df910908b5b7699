#include "weir/http/fields.h"

#include <array>
#include <bit>

#include "blanks.h"
#include "known_name.h"

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

struct Known {
  std::string_view name;
  FieldId id;
};
using enum FieldId;
constexpr Known kNames[] = {{"te", kTe},
                            {"via", kVia},
                            {"host", kHost},
                            {"date", kDate},
                            {"accept", kAccept},
                            {"cookie", kCookie},
                            {"origin", kOrigin},
                            {"server", kServer},
                            {"expect", kExpect},
                            {"referer", kReferer},
                            {"upgrade", kUpgrade},
                            {"trailer", kTrailer},
                            {"location", kLocation},
                            {"forwarded", kForwarded},
                            {"connection", kConnection},
                            {"user-agent", kUserAgent},
                            {"keep-alive", kKeepAlive},
                            {"traceparent", kTraceparent},
                            {"x-request-id", kXRequestId},
                            {"max-forwards", kMaxForwards},
                            {"authorization", kAuthorization},
                            {"content-length", kContentLength},
                            {"http2-settings", kHttp2Settings},
                            {"x-forwarded-for", kXForwardedFor},
                            {"x-forwarded-host", kXForwardedHost},
                            {"x-forwarded-port", kXForwardedPort},
                            {"proxy-connection", kProxyConnection},
                            {"x-forwarded-proto", kXForwardedProto},
                            {"transfer-encoding", kTransferEncoding}};

// R16: names whose CGI spelling must come from the real field only.
constexpr Known kAliases[] = {
    {"content-length", kFramingAlias},    {"transfer-encoding", kFramingAlias},
    {"max-forwards", kGatewayAlias},      {"x-forwarded-for", kGatewayAlias},
    {"x-forwarded-proto", kGatewayAlias}, {"x-forwarded-host", kGatewayAlias},
    {"x-forwarded-port", kGatewayAlias},  {"x-request-id", kGatewayAlias}};

constexpr std::size_t kSlots = 64;
// The multiplier was searched for: no two names fall into one slot.
constexpr std::size_t slot_of(const NameWords& words) {
  constexpr std::uint64_t kMultiplier = 0x38550f640dff6f5d;
  constexpr std::uint64_t kFold = 0x2020202020202020;
  return ((words.first | kFold) + std::rotl(words.last | kFold, 9)) * kMultiplier >> 58;
}

struct Slot {
  KnownName name;
  FieldId id = FieldId::kOther;
};
consteval std::array<Slot, kSlots> make_slots() {
  std::array<Slot, kSlots> slots{};
  for (const Known& known : kNames) {
    Slot& slot = slots[slot_of(NameWords::of(known.name))];
    if (slot.id != kOther) throw "two names in one slot: search for another multiplier";
    slot = {KnownName(known.name), known.id};
  }
  return slots;
}
constexpr std::array<Slot, kSlots> kSlotTable = make_slots();

bool is_alias(std::string_view name, std::string_view known) {
  if (name.size() != known.size()) return false;
  for (std::size_t i = 0; i < name.size(); ++i)
    if (kFolding[static_cast<unsigned char>(name[i])] != known[i]) return false;
  return true;
}

FieldId alias_id(std::string_view name) {
  for (const Known& alias : kAliases)
    if (is_alias(name, alias.name)) return alias.id;
  return kOther;
}

// Of each size the first letters (their low five bits) that a known name has.
consteval std::array<std::uint32_t, NameWords::kMaxBytes + 1> make_first_letters() {
  std::array<std::uint32_t, NameWords::kMaxBytes + 1> letters{};
  for (const Known& known : kNames) letters[known.name.size()] |= 1u << (known.name.front() & 31);
  return letters;
}
constexpr std::array<std::uint32_t, NameWords::kMaxBytes + 1> kFirstLetters = make_first_letters();

bool may_be_known(std::string_view name) {
  return name.size() < kFirstLetters.size() &&
         (kFirstLetters[name.size()] >> (name.front() & 31) & 1) != 0;
}

}  // namespace

FieldId field_id(std::string_view name) {
  if (name.empty() || !may_be_known(name)) return kOther;
  NameWords words = NameWords::of(name);
  const Slot& slot = kSlotTable[slot_of(words)];
  return slot.name.matches(words, name.size()) ? slot.id : alias_id(name);
}

bool has_forwarded_prefix(std::string_view name) {
  constexpr std::string_view kPrefix = "x-forwarded-";
  if (name.size() < kPrefix.size() || lower(name.front()) != 'x') return false;
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
    member = without_blanks(list.substr(0, end));
    list.remove_prefix(end == list.size() ? end : end + 1);
    if (!member.empty()) return true;
  }
  return false;
}

}  // namespace weir::http
