#include "values.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "tree.h"

namespace weir::config {
namespace {

struct DurationUnit {
  std::string_view name;
  Duration length;
};
// From the largest, as duration_text tries them.
constexpr DurationUnit kDurationUnits[] = {{"h", std::chrono::hours(1)},
                                           {"m", std::chrono::minutes(1)},
                                           {"s", std::chrono::seconds(1)},
                                           {"ms", std::chrono::milliseconds(1)}};

struct SizeUnit {
  std::string_view name;
  unsigned shift;
};
constexpr SizeUnit kSizeUnits[] = {{"TiB", 40}, {"GiB", 30}, {"MiB", 20}, {"KiB", 10}, {"B", 0}};

struct Quantity {
  std::uint64_t number;
  std::string_view unit;
};

// Whole digits, then whatever follows.
std::optional<Quantity> split(std::string_view text) {
  Quantity quantity{};
  auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), quantity.number);
  if (problem != std::errc()) return std::nullopt;
  quantity.unit = text.substr(static_cast<std::size_t>(end - text.data()));
  return quantity;
}

bool is_alnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

}  // namespace

std::optional<Duration> parse_duration(std::string_view text) {
  std::optional<Quantity> quantity = split(text);
  if (!quantity) return std::nullopt;
  for (const DurationUnit& unit : kDurationUnits) {
    if (unit.name != quantity->unit) continue;
    if (quantity->number > static_cast<std::uint64_t>(kMaxDuration / unit.length)) break;
    return unit.length * static_cast<std::int64_t>(quantity->number);
  }
  return std::nullopt;
}

std::string duration_text(Duration duration) {
  if (duration == Duration::zero()) return "0s";
  for (const DurationUnit& unit : kDurationUnits) {
    // "60s" and "90s" read better than minutes, and CONTRACT §2 writes them so.
    bool is_too_coarse = unit.name == "m" && duration < 2 * unit.length;
    if (!is_too_coarse && duration % unit.length == Duration::zero()) {
      return std::to_string(duration / unit.length) + std::string(unit.name);
    }
  }
  return std::to_string(duration / std::chrono::milliseconds(1)) + "ms";
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  std::optional<Quantity> quantity = split(text);
  if (!quantity) return std::nullopt;
  for (const SizeUnit& unit : kSizeUnits) {
    if (unit.name != quantity->unit) continue;
    if (quantity->number > (std::uint64_t{1} << 62 >> unit.shift)) break;
    return quantity->number << unit.shift;
  }
  return std::nullopt;
}

std::string size_text(std::uint64_t bytes) {
  for (const SizeUnit& unit : kSizeUnits) {
    bool is_whole = bytes % (std::uint64_t{1} << unit.shift) == 0;
    if (bytes == 0 || unit.shift == 0 || !is_whole) continue;
    return in_quotes(std::to_string(bytes >> unit.shift) + std::string(unit.name));
  }
  return std::to_string(bytes);
}

std::optional<unsigned> parse_percent(std::string_view text) {
  std::optional<Quantity> quantity = split(text);
  if (!quantity || quantity->unit != "%" || quantity->number > 100) return std::nullopt;
  return static_cast<unsigned>(quantity->number);
}

bool is_token(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return is_alnum(c) || kMarks.find(c) != std::string_view::npos;
  });
}

bool is_name(std::string_view text) {
  return !text.empty() && is_alnum(text[0]) && std::all_of(text.begin(), text.end(), [](char c) {
    return is_alnum(c) || c == '.' || c == '_' || c == '-';
  });
}

}  // namespace weir::config
