#include "query.h"

#include <algorithm>
#include <charconv>

#include "weir/base/ascii.h"

namespace weir::admin {

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    int high = hex_value(text[i + 1]), low = hex_value(text[i + 2]);
    if (high < 0 || low < 0 || high + low == 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

namespace {

// As it stands, still encoded; nothing when it is not there.
std::optional<std::string_view> raw_parameter(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    std::size_t end = std::min(query.find('&'), query.size());
    std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    std::size_t equals = std::min(pair.find('='), pair.size());
    if (pair.substr(0, equals) == name) return pair.substr(std::min(equals + 1, pair.size()));
  }
  return std::nullopt;
}

}  // namespace

bool is_given(std::string_view query, std::string_view name) {
  return raw_parameter(query, name).has_value();
}

std::optional<std::string> parameter(std::string_view query, std::string_view name) {
  std::optional<std::string_view> raw = raw_parameter(query, name);
  if (!raw) return std::nullopt;
  std::string value(*raw);
  std::replace(value.begin(), value.end(), '+', ' ');
  return percent_decoded(value);
}

Result<std::size_t, Refusal> count_parameter(std::string_view query, std::string_view name,
                                             std::size_t missing, std::size_t most) {
  std::optional<std::string> text = parameter(query, name);
  if (!text) return missing;
  std::size_t count = 0;
  auto [end, problem] = std::from_chars(text->data(), text->data() + text->size(), count);
  bool is_number = problem == std::errc() && end == text->data() + text->size();
  if (is_number && count >= 1 && count <= most) return count;
  return Err{Refusal{400, "bad_parameter",
                     std::string(name) + " must be a number from 1 to " + std::to_string(most) +
                         ", not \"" + *text + "\""}};
}

}  // namespace weir::admin
