#pragma once
// What a wrong value was probably meant to be, as TOML, or "": never anything that would be refused
// itself. Pure.
#include <cstdint>
#include <string>
#include <string_view>

#include "tree.h"
#include "weir/base/result.h"
#include "weir/base/time.h"

namespace weir::config {

std::string meant_duration(const Node& node, Duration min);
std::string meant_size(const Node& node, std::uint64_t min, std::uint64_t max);
std::string meant_percent(const Node& node);
std::string meant_integer(const Node& node, std::uint64_t min, std::uint64_t max);
std::string meant_boolean(const Node& node);
// One address to bind, and one backend; `"http://10.0.0.1"` may be `"10.0.0.1:80"`.
std::string meant_bind(const Node& node);
std::string meant_backend(const Node& node);
// Several of them in one string: `"10.0.0.1:80", "10.0.0.2:80"`.
std::string meant_items(const Node& node, std::string (*meant_item)(const Node&));
// A block of addresses.
std::string meant_cidr(const Node& node);
// A host of a route without quotation marks, and its path.
std::string meant_host(std::string_view text);
std::string meant_path(std::string_view text);
// `message` with "did you mean "MEANT"?" in its brackets; as it is when `meant` is empty.
std::string with_hint(std::string message, std::string_view meant);
// The same for a `meant` that is TOML already.
std::string with_toml_hint(std::string message, std::string_view meant);
// parse_host_pattern and parse_path without the hints, which are found by them.
Result<std::string> read_host_pattern(std::string_view text);
Result<std::string> read_path(std::string_view text);
// "xn--bcher-kva.example" for "bücher.example"; "" when it is not UTF-8 (RFC 3492, without the
// mappings of RFC 5895 beyond lower case of Latin, Greek and Cyrillic letters).
std::string to_punycode(std::string_view host);

}  // namespace weir::config
