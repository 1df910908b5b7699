#include "codecs.h"

#include <algorithm>

#include "meant.h"
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

// A duration in form that is too long.
bool is_too_long(std::string_view text) {
  std::size_t unit = std::min(text.find_first_not_of("0123456789"), text.size());
  std::string one = "1" + std::string(text.substr(unit));
  return unit > 0 && !parse_duration(text) && parse_duration(one);
}

}  // namespace

bool is_list(Scope& scope, const Node& node, std::string_view what, std::string_view meant) {
  if (node.kind == Node::Kind::kList) return true;
  return scope.expected(node, what, meant.empty() ? "" : "[" + std::string(meant) + "]");
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
    bool means_zero = scope.key == "workers" || scope.key == "max_connections";
    std::string meant = node.text == "auto" && means_zero ? "0" : meant_integer(node, min, max);
    return scope.expected(node, number_range(min, max), meant);
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
    constexpr std::string_view kMost = "a duration of at most a year, \"8760h\"";
    return scope.expected(node, is_too_long(node.text) ? kMost : kForm, meant_duration(node, min));
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
  std::string range = "from " + size_text(min) + " to " + size_text(max);
  if (!size) {
    std::string meant = meant_size(node, min, max);
    bool is_out = meant.empty() && !meant_size(node, 0, std::uint64_t{1} << 62).empty();
    constexpr std::string_view kForms = "bytes, or a size such as \"32KiB\" or \"8MiB\"";
    return scope.expected(node, std::string(kForms) + (is_out ? ", " + range : ""), meant);
  }
  if (*size < min || *size > max) {
    return scope.expected(node, range);
  }
  out = *size;
  return true;
}

bool read_percent(Scope& scope, const Node& node, unsigned& out) {
  std::optional<unsigned> percent;
  if (node.kind == Node::Kind::kString) percent = parse_percent(node.text);
  if (!percent) {
    return scope.expected(node, "a percentage from \"0%\" to \"100%\"", meant_percent(node));
  }
  out = *percent;
  return true;
}

bool RemovedShare::read(Scope& scope, const Node& node, Value& out) {
  bool is_off = node.kind == Node::Kind::kBoolean ||
                (node.kind == Node::Kind::kString &&
                 (node.text == "off" || node.text == "none" || node.text == "false"));
  if (is_off)
    return scope.expected(node, "a percentage from \"0%\" to \"100%\"; \"100%\" holds nothing back",
                          in_quotes("100%"));
  return read_percent(scope, node, out);
}

bool read_boolean(Scope& scope, const Node& node, bool& out) {
  if (node.kind != Node::Kind::kBoolean) {
    return scope.expected(node, "true or false", meant_boolean(node));
  }
  out = node.boolean;
  return true;
}

bool read_string(Scope& scope, const Node& node, std::string_view what, std::string& out) {
  if (node.kind != Node::Kind::kString) {
    bool is_single = node.kind == Node::Kind::kList && node.items.size() == 1 &&
                     node.items[0].kind == Node::Kind::kString;
    return scope.expected(node, what, is_single ? in_quotes(node.items[0].text) : "");
  }
  out = node.text;
  return true;
}

bool read_string_list(Scope& scope, const Node& node, std::string_view what,
                      std::vector<std::string>& out) {
  std::string meant = node.kind == Node::Kind::kString ? in_quotes(node.text) : "";
  if (!is_list(scope, node, what, meant)) return false;
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
  bool is_single = node.kind == Node::Kind::kList && node.items.size() == 1;
  const Node& value = is_single ? node.items[0] : node;
  bool is_boolean = value.kind == Node::Kind::kBoolean;
  std::string_view meant = suggest(is_boolean ? value.description() : value.text, legal);
  auto index =
      static_cast<std::size_t>(std::find(legal.begin(), legal.end(), meant) - legal.begin());
  bool is_exact = node.kind == Node::Kind::kString && index < words.size() && meant == node.text;
  if (is_exact && words[index].is_available) return static_cast<int>(index);
  if (is_exact) {
    scope.error(node, scope.full_key() + " " + in_quotes(node.text) +
                          " is not available in this version (expected " + joined(words) + ")");
  } else if (index == words.size() || words[index].is_available) {
    scope.expected(node, joined(words), meant.empty() ? "" : in_quotes(meant));
  } else {
    scope.expected(node, joined(words) + "; weir's word is " + in_quotes(meant) +
                             ", which is not available in this version");
  }
  return -1;
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
