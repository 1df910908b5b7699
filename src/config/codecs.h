#pragma once
// Codecs: how a value is written in TOML. A codec has `Value`, `read` (false after it has reported
// what is wrong) and `show` (as TOML). rows.h makes keys of them.
#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

#include "keys.h"
#include "weir/config/config.h"

namespace weir::config {

bool read_integer(Scope& scope, const Node& node, std::uint64_t min, std::uint64_t max,
                  std::uint64_t& out);
bool read_duration(Scope& scope, const Node& node, Duration min, Duration& out);
bool read_size(Scope& scope, const Node& node, std::uint64_t min, std::uint64_t max,
               std::uint64_t& out);
bool read_percent(Scope& scope, const Node& node, unsigned& out);
bool read_boolean(Scope& scope, const Node& node, bool& out);
bool read_string(Scope& scope, const Node& node, std::string_view what, std::string& out);
bool read_string_list(Scope& scope, const Node& node, std::string_view what,
                      std::vector<std::string>& out);
// Is it a list, as `what` describes it? Reports when not; `meant`: the items that it should hold.
bool is_list(Scope& scope, const Node& node, std::string_view what, std::string_view meant = {});
bool is_table(Scope& scope, const Node& node, std::string_view what);
std::string list_text(const std::vector<std::string>& items);  // of TOML values

struct Text {
  using Value = std::string;
  static bool read(Scope& scope, const Node& node, Value& out) {
    return read_string(scope, node, "a string", out);
  }
  static std::string show(const Value& value) { return in_quotes(value); }
};

struct TextList {
  using Value = std::vector<std::string>;
  static bool read(Scope& scope, const Node& node, Value& out) {
    return read_string_list(scope, node, "a list of strings", out);
  }
  static std::string show(const Value& value);
};

struct Flag {
  using Value = bool;
  static bool read(Scope& scope, const Node& node, Value& out) {
    return read_boolean(scope, node, out);
  }
  static std::string show(Value value) { return value ? "true" : "false"; }
};

// As in nginx a number may be meant: how many connections are kept, another key here.
struct KeepaliveFlag : Flag {
  static bool read(Scope& scope, const Node& node, Value& out) {
    if (node.kind == Node::Kind::kInteger && node.integer > 1)
      return scope.expected(
          node, "true or false; how many are kept is max_idle = " + std::to_string(node.integer));
    return Flag::read(scope, node, out);
  }
};

template <typename T, std::uint64_t min, std::uint64_t max>
struct CountOf {
  using Value = T;
  static bool read(Scope& scope, const Node& node, Value& out) {
    std::uint64_t number = 0;
    if (!read_integer(scope, node, min, max, number)) return false;
    out = static_cast<T>(number);
    return true;
  }
  static std::string show(Value value) { return std::to_string(value); }
};
template <std::uint64_t min, std::uint64_t max>
using Count = CountOf<unsigned, min, max>;

std::string show_size(std::uint64_t bytes);
template <typename T, std::uint64_t min, std::uint64_t max>
struct Size {
  using Value = T;
  static bool read(Scope& scope, const Node& node, Value& out) {
    std::uint64_t bytes = 0;
    if (!read_size(scope, node, min, max, bytes)) return false;
    out = static_cast<T>(bytes);
    return true;
  }
  static std::string show(Value value) { return show_size(value); }
};

struct Percent {
  using Value = unsigned;
  static bool read(Scope& scope, const Node& node, Value& out) {
    return read_percent(scope, node, out);
  }
  static std::string show(Value value) { return in_quotes(std::to_string(value) + "%"); }
};

// How much may go at once; somebody may want to say that all may.
struct RemovedShare : Percent {
  static bool read(Scope& scope, const Node& node, Value& out);
};

std::string show_duration(Duration value);
// A span that may be nothing ("0s").
struct Span {
  using Value = Duration;
  static bool read(Scope& scope, const Node& node, Value& out) {
    return read_duration(scope, node, Duration::zero(), out);
  }
  static std::string show(Value value) { return show_duration(value); }
};
// A span that must be some time.
struct Timer {
  using Value = Duration;
  static bool read(Scope& scope, const Node& node, Value& out) {
    return read_duration(scope, node, std::chrono::milliseconds(1), out);
  }
  static std::string show(Value value) { return show_duration(value); }
};

// One of several words.
template <typename T>
struct Choice {
  std::string_view text;
  T value;
  bool is_available = true;
};
struct Word {
  std::string_view text;
  bool is_available;
};
// The index of the word, or -1 after reporting.
int read_word(Scope& scope, const Node& node, std::span<const Word> words);

template <const auto& choices>
struct OneOf {
  using Value = std::remove_cvref_t<decltype(choices[0].value)>;
  static bool read(Scope& scope, const Node& node, Value& out) {
    std::vector<Word> words;
    for (const auto& choice : choices) words.push_back({choice.text, choice.is_available});
    int index = read_word(scope, node, words);
    if (index >= 0) out = choices[static_cast<std::size_t>(index)].value;
    return index >= 0;
  }
  static std::string show(Value value) {
    for (const auto& choice : choices) {
      if (choice.value == value) return in_quotes(choice.text);
    }
    return {};
  }
};

}  // namespace weir::config
