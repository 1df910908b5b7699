#pragma once
// JSON appended to a string as it goes, for pages of many thousand entries: no tree of them is
// built. Objects in lists of objects stand on lines of their own. The caller closes what it opens.
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

#include "weir/base/time.h"

namespace weir::admin {

class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) : out_(out) {}

  void open(char bracket) {
    bool is_in_list = bracket == '{' && !is_behind_key_ && !out_.empty();
    separate();
    if (is_in_list) out_ += '\n';
    out_ += bracket;
    is_first_ = true;
  }
  void close(char bracket) {
    out_ += bracket;
    is_first_ = false;
  }
  // `name` needs no escaping.
  JsonWriter& key(std::string_view name) {
    separate();
    out_.append("\"").append(name).append("\":");
    is_first_ = is_behind_key_ = true;
    return *this;
  }
  void text(std::string_view value);
  void text_or_null(std::string_view value) { value.empty() ? raw("null") : text(value); }
  void number(std::uint64_t value) {
    char digits[24];
    raw({digits, std::to_chars(digits, std::end(digits), value).ptr});
  }
  void boolean(bool value) { raw(value ? "true" : "false"); }
  void seconds(Duration value);       // a number, to the microsecond
  void time_or_null(WallTime value);  // RFC 3339; null for a moment that never was
  void null() { raw("null"); }

 private:
  void separate() {
    if (!is_first_) out_ += ',';
    is_first_ = is_behind_key_ = false;
  }
  void raw(std::string_view value) {
    separate();
    out_ += value;
  }

  std::string& out_;
  bool is_first_ = true;
  bool is_behind_key_ = false;
};

}  // namespace weir::admin
