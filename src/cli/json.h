#pragma once
// JSON as the admin interface sends it, read without trust: what is missing or of another type
// reads as nothing.
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace weir::cli {

using Json = nlohmann::ordered_json;

// What is at `key`; null when there is no such thing.
inline const Json& at(const Json& json, std::string_view key) {
  static const Json kNull;
  auto found = json.is_object() ? json.find(key) : json.end();
  return found == json.end() ? kNull : *found;
}
inline std::string text_at(const Json& json, std::string_view key) {
  const Json& value = at(json, key);
  return value.is_string() ? value.get<std::string>() : "";
}
inline std::uint64_t number_at(const Json& json, std::string_view key) {
  const Json& value = at(json, key);
  return value.is_number_unsigned() ? value.get<std::uint64_t>() : 0;
}
inline bool is_true_at(const Json& json, std::string_view key) {
  const Json& value = at(json, key);
  return value.is_boolean() && value.get<bool>();
}

}  // namespace weir::cli
