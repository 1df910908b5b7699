#include "meant.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <vector>

#include "values.h"
#include "weir/base/address.h"
#include "weir/base/ascii.h"

namespace weir::config {
namespace {

using Kind = Node::Kind;

std::string without_blanks(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c != ' ' && c != '\t' && c != '_') out += c;
  }
  return out;
}

bool is_nothing(std::string_view text) {
  for (std::string_view word :
       {"off", "none", "never", "unlimited", "infinite", "inf", "no", "0"}) {
    if (text == word) return true;
  }
  return false;
}

// A decimal number with its unit, from "1.5 MB" and "1,5s".
struct Amount {
  double number = 0;
  std::string unit;  // lower case
};
std::optional<Amount> take_amount(std::string& text) {
  std::size_t end = std::min(text.find_first_not_of("0123456789.,"), text.size());
  std::string digits = text.substr(0, end);
  std::replace(digits.begin(), digits.end(), ',', '.');
  Amount amount;
  auto [stop, problem] =
      std::from_chars(digits.data(), digits.data() + digits.size(), amount.number);
  if (problem != std::errc() || stop != digits.data() + digits.size()) return std::nullopt;
  std::size_t next = std::min(text.find_first_of("0123456789", end), text.size());
  amount.unit = lower_case(text.substr(end, next - end));
  text.erase(0, next);
  return amount;
}

// Milliseconds of a unit, 0 for none.
double milliseconds_of(std::string_view unit) {
  if (unit.empty() || unit == "s" || unit.starts_with("sec")) return 1000;
  if (unit == "ms" || unit.starts_with("mil") || unit == "msec") return 1;
  if (unit == "m" || unit.starts_with("min")) return 60'000;
  if (unit == "h" || unit.starts_with("hour") || unit == "hr" || unit == "hrs") return 3'600'000;
  if (unit == "d" || unit.starts_with("day")) return 86'400'000;
  if (unit == "w" || unit.starts_with("week")) return 604'800'000;
  return 0;
}

// "2m" of "2 minutes": a whole number with one unit, or "".
std::string in_our_unit(std::string text) {
  text = without_blanks(text);
  std::optional<Amount> amount = take_amount(text);
  if (!amount || !text.empty() || amount->number != std::floor(amount->number)) return {};
  double unit = milliseconds_of(amount->unit);
  std::string_view name = unit == 1 ? "ms" : unit == 1000 ? "s" : unit == 60'000 ? "m" : "h";
  bool is_ours = unit >= 1 && unit <= 3'600'000 && amount->number < 1e9;
  if (!is_ours) return {};
  return std::to_string(static_cast<std::uint64_t>(amount->number)) + std::string(name);
}

// "1m30s", "30 sec", "1.5s", "2": whole milliseconds.
std::optional<double> milliseconds_in(std::string text) {
  text = without_blanks(text);
  if (text.empty()) return std::nullopt;
  double sum = 0;
  while (!text.empty()) {
    std::optional<Amount> amount = take_amount(text);
    if (!amount) return std::nullopt;
    double unit = milliseconds_of(amount->unit);
    if (unit == 0) return std::nullopt;
    sum += amount->number * unit;
  }
  return sum;
}

int power_of(std::string_view unit) {
  constexpr std::string_view kLetters = "kmgt";
  if (unit.empty() || unit == "b" || unit.starts_with("byte")) return 0;
  std::size_t letter = kLetters.find(unit[0]);
  std::string_view rest = unit.substr(1);
  bool is_size = rest.empty() || rest == "b" || rest == "ib" || rest == "i" || rest == "bytes";
  return letter == std::string_view::npos || !is_size ? -1 : static_cast<int>(letter) + 1;
}

}  // namespace

std::string with_toml_hint(std::string message, std::string_view meant) {
  if (meant.empty()) return message;
  bool has_brackets = message.ends_with(')');
  if (has_brackets) message.pop_back();
  message.append(has_brackets ? "; " : " (").append("did you mean ").append(meant).append("?)");
  return message;
}

std::string with_hint(std::string message, std::string_view meant) {
  return with_toml_hint(std::move(message), meant.empty() ? "" : in_quotes(meant));
}

std::string meant_duration(const Node& node, Duration min) {
  std::string text = lower_case(node.text);
  if (node.kind == Kind::kInteger && node.integer >= 0) text = std::to_string(node.integer);
  if (node.kind == Kind::kNumber && node.number >= 0) text = std::to_string(node.number);
  if (node.kind == Kind::kBoolean && !node.boolean) text = "off";
  if (is_nothing(text)) return min == Duration::zero() ? "\"0s\"" : "";
  if (std::string same = in_our_unit(text); !same.empty()) {
    std::optional<Duration> duration = parse_duration(same);
    if (duration && *duration >= min) return in_quotes(same);
  }
  std::optional<double> milliseconds = milliseconds_in(text);
  constexpr double kMost = static_cast<double>(kMaxDuration / std::chrono::milliseconds(1));
  if (!milliseconds || *milliseconds > kMost || *milliseconds != std::floor(*milliseconds))
    return {};
  auto duration = std::chrono::milliseconds(static_cast<std::int64_t>(*milliseconds));
  return duration < min ? std::string() : in_quotes(duration_text(duration));
}

std::string meant_size(const Node& node, std::uint64_t min, std::uint64_t max) {
  std::string text = without_blanks(lower_case(node.text));
  if (node.kind == Kind::kNumber && node.number >= 0) text = std::to_string(node.number);
  if (node.kind == Kind::kBoolean && !node.boolean) text = "off";
  if (is_nothing(text)) return min == 0 ? "0" : "";
  std::optional<Amount> amount = take_amount(text);
  if (!amount || !text.empty()) return {};
  int power = power_of(amount->unit);
  if (power < 0) return {};
  double bytes = std::ldexp(amount->number, 10 * power);
  bool is_whole = bytes == std::floor(bytes) && bytes < std::ldexp(1.0, 62);
  if (!is_whole) return {};
  auto size = static_cast<std::uint64_t>(bytes);
  return size < min || size > max ? std::string() : size_text(size);
}

std::string meant_percent(const Node& node) {
  double percent = -1;
  std::string text = without_blanks(node.text);
  if (node.kind == Kind::kInteger) percent = static_cast<double>(node.integer);
  if (node.kind == Kind::kNumber) percent = node.number < 1 ? node.number * 100 : node.number;
  if (node.kind == Kind::kString) {
    std::optional<Amount> amount = take_amount(text);
    if (!amount || !text.empty() || !(amount->unit.empty() || amount->unit == "%")) return {};
    bool is_share = amount->unit.empty() && amount->number < 1;
    percent = is_share ? amount->number * 100 : amount->number;
  }
  double whole = std::round(percent);
  if (percent < 0 || whole > 100 || std::abs(whole - percent) > 1e-6) return {};
  return in_quotes(std::to_string(static_cast<unsigned>(whole)) + "%");
}

std::string meant_integer(const Node& node, std::uint64_t min, std::uint64_t max) {
  std::optional<std::uint64_t> number;
  if (node.kind == Kind::kString && is_digits(node.text) && node.text.size() < 19)
    number = std::stoull(node.text);
  if (node.kind == Kind::kNumber && node.number >= 0 && node.number < 1e15 &&
      node.number == std::floor(node.number))
    number = static_cast<std::uint64_t>(node.number);
  bool is_off = (node.kind == Kind::kBoolean && !node.boolean) || is_nothing(lower_case(node.text));
  if (is_off && min == 0) number = 0;
  if (!number || *number < min || *number > max) return {};
  return std::to_string(*number);
}

std::string meant_boolean(const Node& node) {
  std::string text = lower_case(node.text);
  if (node.kind == Kind::kInteger) text = std::to_string(node.integer);
  for (std::string_view yes : {"true", "on", "yes", "1", "enabled"}) {
    if (text == yes) return "true";
  }
  for (std::string_view no : {"false", "off", "no", "0", "disabled"}) {
    if (text == no) return "false";
  }
  return {};
}

}  // namespace weir::config
