#include "json_writer.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "weir/base/log.h"

namespace weir::admin {

void JsonWriter::text(std::string_view value) {
  bool is_plain = std::all_of(value.begin(), value.end(),
                              [](char c) { return c >= ' ' && c < 0x7f && c != '"' && c != '\\'; });
  separate();
  if (is_plain) {
    out_.append("\"").append(value).append("\"");
  } else {
    out_ += nlohmann::json(value).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  }
}

void JsonWriter::seconds(Duration value) {
  auto microseconds = std::chrono::duration_cast<std::chrono::microseconds>(value).count();
  char digits[32];
  auto end = std::to_chars(digits, std::end(digits), static_cast<double>(microseconds) / 1e6).ptr;
  raw({digits, end});
}

void JsonWriter::time_or_null(WallTime value) {
  if (value == WallTime{}) return null();
  std::string text_of_it;
  append_rfc3339(text_of_it, value);
  text(text_of_it);
}

}  // namespace weir::admin
