#include "json_reader.h"

#include <charconv>
#include <nlohmann/json.hpp>

namespace weir::cli {

bool JsonReader::fail() {
  has_failed_ = true;
  rest_ = {};
  return false;
}

void JsonReader::skip_blanks() {
  std::size_t at = 0;
  while (at < rest_.size() &&
         (rest_[at] == ' ' || rest_[at] == '\n' || rest_[at] == '\r' || rest_[at] == '\t'))
    ++at;
  rest_.remove_prefix(at);
}

bool JsonReader::take(char expected) {
  skip_blanks();
  if (rest_.empty() || rest_.front() != expected) return false;
  rest_.remove_prefix(1);
  return true;
}

bool JsonReader::take_null() {
  skip_blanks();
  if (!rest_.starts_with("null")) return false;
  rest_.remove_prefix(4);
  return true;
}

void JsonReader::open(char bracket) {
  if (!take(bracket)) fail();
  is_first_ = true;
}

bool JsonReader::next(char close) {
  if (has_failed_) return false;
  bool is_first = is_first_;
  is_first_ = false;
  if (take(close)) return false;
  if (!is_first && !take(',')) return fail();
  skip_blanks();
  return !rest_.empty() || fail();
}

bool JsonReader::next_key(std::string_view& key) {
  if (!next('}')) return false;
  key = text();
  return take(':') || fail();
}

std::string_view JsonReader::text() {
  if (take_null()) return {};
  if (!take('"')) {
    fail();
    return {};
  }
  bool has_escape = false;
  for (std::size_t at = 0; at < rest_.size(); ++at) {
    if (rest_[at] == '\\') {
      has_escape = true;
      ++at;
    } else if (rest_[at] == '"') {
      std::string_view raw = rest_.substr(0, at);
      rest_.remove_prefix(at + 1);
      return has_escape ? unescaped(raw) : raw;
    }
  }
  fail();
  return {};
}

std::string_view JsonReader::unescaped(std::string_view raw) {
  std::string quoted = "\"" + std::string(raw) + "\"";
  nlohmann::json value = nlohmann::json::parse(quoted, nullptr, false);
  if (!value.is_string()) {
    fail();
    return {};
  }
  return storage_.emplace_back(value.get<std::string>());
}

std::uint64_t JsonReader::number() {
  if (take_null()) return 0;
  std::uint64_t value = 0;
  auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
  if (error != std::errc()) {
    fail();
    return 0;
  }
  rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
  return value;
}

bool JsonReader::boolean() {
  if (take_null()) return false;
  for (std::string_view word : {"true", "false"}) {
    if (!rest_.starts_with(word)) continue;
    rest_.remove_prefix(word.size());
    return word == "true";
  }
  return fail();
}

void JsonReader::skip() {
  skip_blanks();
  char first = rest_.empty() ? '\0' : rest_.front();
  if (first == '"') {
    text();
  } else if (first == '{' || first == '[') {
    if (++depth_ > kMaxDepth) {
      fail();
      return;
    }
    open(first);
    std::string_view key;
    while (first == '{' ? next_key(key) : next_item()) skip();
    --depth_;
  } else {
    std::size_t end = std::min(rest_.find_first_of(",]} \n\r\t"), rest_.size());
    if (end == 0) fail();
    rest_.remove_prefix(end);
  }
}

}  // namespace weir::cli
