#pragma once
// Sections as tables of keys: a row is a name, the field that it fills and the notation of its
// value (a codec of codecs.h), or a default alone for features that come later. One reader serves
// all.
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "report.h"
#include "tree.h"

namespace weir::config {

// Where a key was set: "FILE:LINE", or through which layer. By the name with its prefix.
using Origins = std::map<std::string, std::string>;

// Where reading is, for places and messages.
struct Scope {
  Report& report;
  std::string file;
  std::string section;         // as a user writes it: "[server]", "[pool.web]"
  Origins* origins = nullptr;  // may be null
  std::string prefix;          // of keys inside a nested table: "timeouts."
  std::string key;             // being read

  Place place(unsigned line, unsigned column) const { return {file, line, column}; }
  Place place(const Node& at) const { return place(at.line, at.column); }
  void error(const Node& at, std::string message) { report.add(place(at), std::move(message)); }
  // "KEY is 30 (expected a duration such as "30s"; did you mean …?)"; returns false.
  bool expected(const Node& at, std::string_view what, std::string_view meant = {});
  // "KEY: PROBLEM"; returns false.
  bool wrong(const Node& at, std::string_view problem);
  // "KEY is not available in this version (expected its default, …)"; returns false.
  bool unavailable(const Node& at, std::string_view default_text);
  std::string full_key() const { return prefix + key; }
};

enum class Use : std::uint8_t {
  kSetting,  // has a default
  kExample,  // is each administrator's own: no default worth showing
  kLater,    // only its default is accepted
  kNever,    // later, without a default: not accepted at all
};

// One effective value.
struct Shown {
  std::string key;
  std::string value;  // as TOML
  Use use = Use::kSetting;
};

template <typename T>
struct Key {
  std::string_view name;
  std::string_view default_text;  // as TOML, of keys without a field
  void (*read)(Scope&, const Key&, const Node&, T&);
  void (*show)(const std::string& prefix, const Key&, const T&, std::vector<Shown>&);
};

// A key table with the object that it fills; a section may have several.
template <typename T>
struct Part {
  std::span<const Key<T>> keys;
  T& object;
};
template <typename Keys, typename T>
Part(const Keys&, T&) -> Part<T>;

// What may stand at a place: keys, and those of nested tables ("timeouts.connect").
struct Legal {
  std::vector<std::string_view> keys;
  std::vector<Shown> all;
};
// "unknown key …" with what was meant: a key of this place or of another section.
void report_unknown_key(Scope& scope, const Member& member, const Legal& legal);
void note_origin(Scope& scope, const Member& member);
// "[pool.web]" for "backend.web"; "" when no section is meant.
std::string meant_title(std::string_view dotted);
// `"connect" in [timeouts]` for "timeout connect", of keys that this version has; or "".
std::string meant_anywhere(std::string_view words);
// What to do instead, of words that are no key in any section; or "".
std::string_view advice_for(std::string_view word);
// Does a member of `table` stand where `key` was meant?
bool is_meant(const Node& table, std::string_view key, std::span<const std::string_view> legal);
template <typename T, std::size_t count>
bool is_meant(const Node& table, std::string_view key, const Key<T> (&keys)[count]) {
  std::vector<std::string_view> legal;
  for (const Key<T>& row : keys) legal.push_back(row.name);
  return is_meant(table, key, std::span<const std::string_view>(legal));
}

template <typename T>
void show_keys(const std::string& prefix, std::span<const Key<T>> keys, const T& object,
               std::vector<Shown>& out) {
  for (const Key<T>& key : keys) key.show(prefix, key, object, out);
}

template <typename T>
bool read_member(Scope& scope, const Member& member, const Part<T>& part) {
  for (const Key<T>& key : part.keys) {
    if (key.name != member.key) continue;
    scope.key = member.key;
    key.read(scope, key, member.value, part.object);
    return true;
  }
  return false;
}

template <typename... T>
void read_table(Scope& scope, const Node& table, const Part<T>&... parts) {
  for (const Member& member : table.members) {
    if ((read_member(scope, member, parts) || ...)) {
      note_origin(scope, member);
      continue;
    }
    Legal legal;
    auto add_names = [&legal](const auto& part) {
      for (const auto& key : part.keys) legal.keys.push_back(key.name);
      show_keys("", part.keys, part.object, legal.all);
    };
    (add_names(parts), ...);
    report_unknown_key(scope, member, legal);
  }
}

}  // namespace weir::config
