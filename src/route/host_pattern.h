#pragma once
// The parts of a host pattern, and which hosts are IP addresses: those match exactly or by "*"
// only, since their dots and colons are no labels. Pure.
#include <string>
#include <string_view>

#include "weir/route/host_index.h"

namespace weir::route {

// A canonical pattern other than "*": "*.example.com" is {"example.com", kOneLabel}.
struct HostPattern {
  std::string_view name;
  HostIndex::Kind kind;
};
HostPattern split_host_pattern(std::string_view canonical);
std::string pattern_of(std::string_view name, HostIndex::Kind kind);

// "192.0.2.1" or "[2001:db8::1]"; any host of digits and dots counts as the former.
bool is_ip_literal(std::string_view host);

// "[2001:DB8:0::1]" as "[2001:db8::1]", "[::ffff:192.0.2.1]" as "192.0.2.1"; empty: not an address.
std::string canonical_ipv6_literal(std::string_view host);

}  // namespace weir::route
