#pragma once
// The notations of CONTRACT §2 that stand in map files, too. Pure.
#include <string>
#include <string_view>

#include "weir/base/result.h"

namespace weir::config {

// Names of pools and listeners: [A-Za-z0-9][A-Za-z0-9._-]*
bool is_name(std::string_view text);
// A route's host in canonical form (lower case, no trailing dot), or what is wrong with it.
Result<std::string> parse_host_pattern(std::string_view text);
// A route's path as RouteConfig has it (unreserved characters decoded, "/" is ""), or what is
// wrong.
Result<std::string> parse_path(std::string_view text);

}  // namespace weir::config
