#pragma once
// Patterns over texts as shells have them, without their brackets: hosts have those themselves.
#include <string_view>

namespace weir {

// Whether `pattern` matches the whole of `text`: '*' is any number of bytes, '?' is one, upper and
// lower case are the same. Takes at most the product of both lengths.
bool matches_glob(std::string_view pattern, std::string_view text);
// Whether it is more than a text.
inline bool has_glob(std::string_view pattern) {
  return pattern.find_first_of("*?") != std::string_view::npos;
}

}  // namespace weir
