#include <algorithm>
#include <optional>

#include "guards.h"
#include "weir/http/forward.h"

namespace weir::http {
namespace {

bool is_trusted(const IpAddress& address, const TrustPolicy& policy) {
  for (const Cidr& cidr : policy.trusted_proxies)
    if (cidr.contains(address)) return true;
  return false;
}

// RFC 7239 §6: digits, or a name of the proxy's own for a port that it hides.
bool is_node_port(std::string_view text) {
  constexpr std::size_t kMaxDigits = 5;
  if (text.starts_with('_')) return is_all(text.substr(1), kHostChar);
  return text.size() <= kMaxDigits && is_all(text, kDigitChar);
}

// "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:80".
std::optional<IpAddress> parse_node(std::string_view text) {
  std::size_t host_size = text.size();
  if (text.starts_with('['))
    host_size = text.find(']') + 1;
  else if (text.find(':') == text.rfind(':'))
    host_size = std::min(text.find(':'), text.size());
  std::string_view rest = text.substr(host_size);
  if (!rest.empty() && (rest.front() != ':' || !is_node_port(rest.substr(1)))) return std::nullopt;
  Result<IpAddress> ip = IpAddress::parse(text.substr(0, host_size));
  if (!ip.ok()) return std::nullopt;
  return *ip;
}

// Whether the byte at `at` begins or ends a quoted string. Within one a backslash takes the meaning
// from the byte behind it (RFC 9110 §5.6.4), and a proxy may quote what a client wrote.
bool is_quotation_mark(std::string_view text, std::size_t at) {
  if (text[at] != '"') return false;
  std::size_t backslashes = 0;
  while (backslashes < at && text[at - backslashes - 1] == '\\') ++backslashes;
  return backslashes % 2 == 0;
}

// The value of one parameter of a Forwarded element (RFC 7239 §4), unquoted; empty when absent.
// Node names and schemes need no escapes, so a value with one is read as garbage.
std::string_view forwarded_parameter(std::string_view element, std::string_view name) {
  while (!element.empty()) {
    bool is_quoted = false;
    std::size_t end = 0;
    for (; end < element.size() && (is_quoted || element[end] != ';'); ++end)
      if (is_quotation_mark(element, end)) is_quoted = !is_quoted;
    std::string_view pair = element.substr(0, end);
    element.remove_prefix(std::min(end + 1, element.size()));
    while (pair.starts_with(' ') || pair.starts_with('\t')) pair.remove_prefix(1);
    std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos) continue;
    if (!equals_ignoring_case(pair.substr(0, equals), name)) continue;
    std::string_view value = pair.substr(equals + 1);
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
      value = value.substr(1, value.size() - 2);
    return value;
  }
  return {};
}

// Takes the last element off a list. From the right, so that nothing which an untrusted client
// wrote in front, such as a lone quotation mark, changes what a trusted proxy appended behind it.
std::string_view take_last(std::string_view& list, bool has_quotes) {
  bool is_quoted = false;
  std::size_t begin = list.size();
  for (; begin > 0 && (is_quoted || list[begin - 1] != ','); --begin)
    if (has_quotes && is_quotation_mark(list, begin - 1)) is_quoted = !is_quoted;
  std::string_view element = list.substr(begin);
  list = list.substr(0, begin == 0 ? 0 : begin - 1);
  while (element.starts_with(' ') || element.starts_with('\t')) element.remove_prefix(1);
  while (element.ends_with(' ') || element.ends_with('\t')) element.remove_suffix(1);
  return element;
}

std::optional<Scheme> scheme_of(std::string_view text) {
  if (equals_ignoring_case(text, "https")) return Scheme::kHttps;
  if (equals_ignoring_case(text, "http")) return Scheme::kHttp;
  return std::nullopt;
}

// Calls `visit` with all elements of the fields of `id`, the last one first, until it says false.
template <typename Visit>
void visit_from_right(const Fields& fields, FieldId id, Visit visit) {
  for (auto field = fields.end(); field != fields.begin();) {
    --field;
    if (field->id != id) continue;
    std::string_view list = field->value;
    while (!list.empty()) {
      std::string_view element = take_last(list, id == FieldId::kForwarded);
      if (!element.empty() && !visit(element)) return;
    }
  }
}

}  // namespace

ClientIdentity identify_client(const RequestHead& head, const IpAddress& peer,
                               Scheme listener_scheme, const TrustPolicy& policy) {
  ClientIdentity identity{peer, false, listener_scheme};
  if (peer.is_unspecified() || !is_trusted(peer, policy)) return identity;
  identity.is_peer_trusted = true;
  bool is_forwarded = policy.client_ip_from == ClientIpFrom::kForwarded;
  visit_from_right(head.fields, is_forwarded ? FieldId::kForwarded : FieldId::kXForwardedFor,
                   [&](std::string_view element) {
                     std::optional<IpAddress> address =
                         parse_node(is_forwarded ? forwarded_parameter(element, "for") : element);
                     if (address) identity.client = *address;
                     return address && is_trusted(*address, policy);
                   });
  visit_from_right(head.fields, is_forwarded ? FieldId::kForwarded : FieldId::kXForwardedProto,
                   [&](std::string_view element) {
                     std::optional<Scheme> scheme =
                         scheme_of(is_forwarded ? forwarded_parameter(element, "proto") : element);
                     if (scheme) identity.scheme = *scheme;
                     return false;
                   });
  return identity;
}

}  // namespace weir::http
