#pragma once
// The walk of CONTRACT §2 (Hosts) as a list, for what is looked up seldom; RouteTable does the same
// without one. Pure.
#include <string>
#include <string_view>
#include <vector>

namespace weir::route {

// The canonical patterns that cover `host` (lower case, no port), from the most to the least
// specific: "a.example.com", ".a.example.com", "*.example.com", ".example.com", ".com". "*" covers
// everything and is left out, so there is none for an empty host.
std::vector<std::string> patterns_covering(std::string_view host);

}  // namespace weir::route
