#include "host_pattern.h"

#include <algorithm>

#include "weir/base/address.h"
#include "weir/base/ascii.h"
#include "weir/route/covering.h"
#include "weir/route/route_table.h"

namespace weir::route {
namespace {

constexpr std::size_t kMaxLabelBytes = 63;  // RFC 1035 §2.3.4
constexpr std::size_t kMaxDnsBytes = 253;

Err<Error> error(std::string_view text, std::string_view what) {
  return Err{Error{"host \"" + std::string(text) + "\" " + std::string(what)}};
}

bool is_label_byte(char c) { return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-' || c == '_'; }

// What is wrong with a lower-case name, in words; empty when nothing is.
std::string_view problem_of_name(std::string_view name) {
  if (name.empty()) return "names nothing";
  if (name.size() > kMaxDnsBytes) return "is longer than 253 bytes";
  std::size_t label_bytes = 0;
  for (char c : name) {
    if (c == '.') {
      if (label_bytes == 0) return "has an empty label";
      label_bytes = 0;
      continue;
    }
    if (c == '*') return "has a '*' that is not its whole first label";
    if (static_cast<unsigned char>(c) >= 0x80) return "is not ASCII; write it as xn--…";
    if (!is_label_byte(c)) return "has a byte that no host name has";
    if (++label_bytes > kMaxLabelBytes) return "has a label of more than 63 bytes";
  }
  return label_bytes == 0 ? "has an empty label" : "";
}

}  // namespace

HostPattern split_host_pattern(std::string_view canonical) {
  if (canonical.starts_with("*.")) return {canonical.substr(2), HostIndex::Kind::kOneLabel};
  if (canonical.starts_with('.')) return {canonical.substr(1), HostIndex::Kind::kSuffix};
  return {canonical, HostIndex::Kind::kExact};
}

std::string pattern_of(std::string_view name, HostIndex::Kind kind) {
  std::string pattern = kind == HostIndex::Kind::kExact      ? ""
                        : kind == HostIndex::Kind::kOneLabel ? "*."
                                                             : ".";
  return pattern.append(name);
}

bool is_ip_literal(std::string_view host) {
  if (host.empty()) return false;
  if (host.front() == '[') return true;
  // Few hosts end in a digit, so the scan of the whole is rare.
  if (!is_digit(host.back()) || host.find('.') == std::string_view::npos) return false;
  return std::all_of(host.begin(), host.end(), [](char c) { return is_digit(c) || c == '.'; });
}

std::string canonical_ipv6_literal(std::string_view host) {
  if (!host.starts_with('[') || !host.ends_with(']')) return {};
  Result<IpAddress> address = IpAddress::parse(host);
  if (!address.ok()) return {};
  return address->is_v6() ? "[" + address->ip_text() + "]" : address->ip_text();
}

std::vector<std::string> patterns_covering(std::string_view host) {
  if (host.empty() || host.size() > HostIndex::kMaxNameBytes) return {};
  if (is_ip_literal(host)) {
    std::string literal = canonical_ipv6_literal(host);
    return {literal.empty() ? std::string(host) : literal};
  }
  std::vector<std::string> patterns = {std::string(host), "." + std::string(host)};
  for (std::size_t dot = host.find('.'); dot != std::string_view::npos;
       dot = host.find('.', dot + 1)) {
    if (patterns.size() == 2) patterns.push_back("*" + std::string(host.substr(dot)));
    patterns.emplace_back(host.substr(dot));
  }
  return patterns;
}

Result<std::string> canonical_host_pattern(std::string_view text) {
  if (text.empty()) return error(text, "is empty");
  std::string host = lower_case(text);
  if (host == "*") return host;
  if (host.starts_with('[')) {
    std::string literal = canonical_ipv6_literal(host);
    if (literal.empty()) return error(text, "is not an IPv6 address in brackets alone");
    return literal;
  }
  auto colons = std::count(host.begin(), host.end(), ':');
  if (colons == 1) return error(text, "has a port; hosts match on every port");
  if (colons > 1) return error(text, "needs brackets around its IPv6 address: [2001:db8::1]");
  if (host.ends_with('.')) host.pop_back();
  HostPattern pattern = split_host_pattern(host);
  std::string_view problem = problem_of_name(pattern.name);
  if (!problem.empty()) return error(text, problem);
  if (!is_ip_literal(pattern.name)) return host;
  if (pattern.kind != HostIndex::Kind::kExact) {
    return error(text, "is an IP address, which has no names below it");
  }
  if (!IpAddress::parse(host).ok()) return error(text, "is not an IPv4 address");
  return host;
}

}  // namespace weir::route
