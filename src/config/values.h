#pragma once
// The notations of CONTRACT §2 within strings: durations, sizes, percentages, hosts, paths. Pure.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "weir/base/result.h"
#include "weir/base/time.h"
#include "weir/config/notation.h"

namespace weir::config {

constexpr Duration kMaxDuration = std::chrono::hours(24 * 365);

// "250ms", "2s", "1m", "1h": one whole number and one unit, at most kMaxDuration.
std::optional<Duration> parse_duration(std::string_view text);
std::string duration_text(Duration duration);  // in the largest unit that needs no fraction
// "512B", "32KiB", "8MiB", "1GiB", "1TiB".
std::optional<std::uint64_t> parse_size(std::string_view text);
std::string size_text(std::uint64_t bytes);  // as TOML: 1000 or "32KiB"
// "20%", 0 to 100.
std::optional<unsigned> parse_percent(std::string_view text);
// A token of RFC 9110 §5.6.2.
bool is_token(std::string_view text);

// A Host field's value for a backend: a name or address, with or without port.
Result<std::string> parse_host_header(std::string_view text);
}  // namespace weir::config
