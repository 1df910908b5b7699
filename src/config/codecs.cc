#include "codecs.h"

#include <algorithm>

#include "suggest.h"
#include "values.h"

namespace weir::config {
namespace {

std::string number_range(std::uint64_t min, std::uint64_t max) {
  return "a whole number from " + std::to_string(min) + " to " + std::to_string(max);
}

std::string joined(std::span<const Word> words) {
  std::vector<std::string> texts;
  for (const Word& word : words) {
    if (word.is_available) texts.push_back(in_quotes(word.text));
  }
  std::string out = texts.front();
  for (std::size_t i = 1; i < texts.size(); ++i) {
    out += (i + 1 == texts.size() ? " or " : ", ") + texts[i];
  }
  return out;
}

// "30" and "30sec" for "30s"; the number of an integer as well.
std::string meant_duration(const Node& node) {
  if (node.kind == Node::Kind::kInteger && node.integer >= 0) {
    return in_quotes(std::to_string(node.integer) + "s");
  }
  std::size_t digits = std::min(node.text.find_first_not_of("0123456789"), node.text.size());
  if (node.kind != Node::Kind::kString || digits == 0) return {};
  std::string number = node.text.substr(0, digits);
  std::string unit = node.text.substr(digits);
  std::erase(unit, ' ');
  if (unit.empty() || unit.starts_with("sec") || unit == "S") return in_quotes(number + "s");
  if (unit.starts_with("ms") || unit.starts_with("mil")) return in_quotes(number + "ms");
  if (unit.starts_with("min") || unit == "M") return in_quotes(number + "m");
  if (unit.starts_with("h") || unit == "H") return in_quotes(number + "h");
  return {};
}

// "32k", "32KB" and "32kb" for "32KiB".
std::string meant_size(const Node& node) {
  std::size_t digits = std::min(node.text.find_first_not_of("0123456789"), node.text.size());
  if (node.kind != Node::Kind::kString || digits == 0) return {};
  std::string number = node.text.substr(0, digits);
  std::string unit = node.text.substr(digits);
  std::erase(unit, ' ');
  if (unit.empty()) return number;
  constexpr std::string_view kLetters = "kKmMgGtT";
  std::size_t letter = kLetters.find(unit[0]);
  if (letter == std::string_view::npos) return {};
  return in_quotes(number + kLetters[letter | 1] + "iB");
}

}  // namespace

bool is_list(Scope& scope, const Node& node, std::string_view what) {
  if (node.kind == Node::Kind::kList) return true;
  std::string meant;
  if (node.kind == Node::Kind::kString) meant = "[" + in_quotes(node.text) + "]";
  return scope.expected(node, what, meant);
}

bool is_table(Scope& scope, const Node& node, std::string_view what) {
  return node.is_table() || scope.expected(node, what);
}

bool read_integer(Scope& scope, const Node& node, std::uint64_t min, std::uint64_t max,
                  std::uint64_t& out) {
  bool is_in_range = node.kind == Node::Kind::kInteger && node.integer >= 0 &&
                     static_cast<std::uint64_t>(node.integer) >= min &&
                     static_cast<std::uint64_t>(node.integer) <= max;
  if (!is_in_range) {
    bool is_digits = node.kind == Node::Kind::kString && !node.text.empty() &&
                     node.text.find_first_not_of("0123456789") == std::string::npos;
    return scope.expected(node, number_range(min, max), is_digits ? node.text : "");
  }
  out = static_cast<std::uint64_t>(node.integer);
  return true;
}

bool read_duration(Scope& scope, const Node& node, Duration min, Duration& out) {
  std::optional<Duration> duration;
  if (node.kind == Node::Kind::kString) duration = parse_duration(node.text);
  if (!duration) {
    constexpr std::string_view kForm =
        "a duration of one number and one of ms, s, m, h, such as \"250ms\" or \"30s\"";
    return scope.expected(node, kForm, meant_duration(node));
  }
  if (*duration < min) return scope.expected(node, "more than \"0s\"");
  out = *duration;
  return true;
}

bool read_size(Scope& scope, const Node& node, std::uint64_t min, std::uint64_t max,
               std::uint64_t& out) {
  std::optional<std::uint64_t> size;
  if (node.kind == Node::Kind::kInteger && node.integer >= 0) {
    size = static_cast<std::uint64_t>(node.integer);
  } else if (node.kind == Node::Kind::kString) {
    size = parse_size(node.text);
  }
  if (!size) {
    return scope.expected(node, "bytes, or a size such as \"32KiB\" or \"8MiB\"", meant_size(node));
  }
  if (*size < min || *size > max) {
    return scope.expected(node, "from " + size_text(min) + " to " + size_text(max));
  }
  out = *size;
  return true;
}

bool read_percent(Scope& scope, const Node& node, unsigned& out) {
  std::optional<unsigned> percent;
  if (node.kind == Node::Kind::kString) percent = parse_percent(node.text);
  if (!percent) {
    std::string meant;
    bool is_number = node.kind == Node::Kind::kInteger && node.integer >= 0 && node.integer <= 100;
    if (is_number) meant = in_quotes(std::to_string(node.integer) + "%");
    return scope.expected(node, "a percentage from \"0%\" to \"100%\"", meant);
  }
  out = *percent;
  return true;
}

bool read_boolean(Scope& scope, const Node& node, bool& out) {
  if (node.kind != Node::Kind::kBoolean) {
    std::string_view meant;
    for (std::string_view yes : {"true", "on", "yes"}) meant = node.text == yes ? "true" : meant;
    for (std::string_view no : {"false", "off", "no"}) meant = node.text == no ? "false" : meant;
    return scope.expected(node, "true or false", meant);
  }
  out = node.boolean;
  return true;
}

bool read_string(Scope& scope, const Node& node, std::string_view what, std::string& out) {
  if (node.kind != Node::Kind::kString) return scope.expected(node, what);
  out = node.text;
  return true;
}

bool read_string_list(Scope& scope, const Node& node, std::string_view what,
                      std::vector<std::string>& out) {
  if (!is_list(scope, node, what)) return false;
  bool is_good = true;
  out.clear();
  for (const Node& item : node.items) {
    std::string text;
    is_good = read_string(scope, item, what, text) && is_good;
    out.push_back(std::move(text));
  }
  return is_good;
}

int read_word(Scope& scope, const Node& node, std::span<const Word> words) {
  std::vector<std::string_view> legal;
  for (const Word& word : words) legal.push_back(word.text);
  auto at = std::find(legal.begin(), legal.end(), node.text);
  bool is_boolean = node.kind == Node::Kind::kBoolean;
  if (node.kind != Node::Kind::kString || at == legal.end()) {
    std::string_view meant = suggest(is_boolean ? node.description() : node.text, legal);
    scope.expected(node, joined(words), meant.empty() ? "" : in_quotes(meant));
    return -1;
  }
  std::size_t index = static_cast<std::size_t>(at - legal.begin());
  if (!words[index].is_available) {
    scope.error(node, scope.full_key() + " " + in_quotes(node.text) +
                          " is not available in this version (expected " + joined(words) + ")");
    return -1;
  }
  return static_cast<int>(index);
}

std::string list_text(const std::vector<std::string>& items) {
  std::string out;
  for (const std::string& item : items) out += (out.empty() ? "" : ", ") + item;
  return "[" + out + "]";
}

std::string TextList::show(const Value& value) {
  std::vector<std::string> items;
  for (const std::string& item : value) items.push_back(in_quotes(item));
  return list_text(items);
}

std::string show_size(std::uint64_t bytes) { return size_text(bytes); }
std::string show_duration(Duration value) { return in_quotes(duration_text(value)); }

}  // namespace weir::config
