#pragma once
// White space around values (RFC 9110 §5.6.3: SP and HTAB). Pure.
#include <string_view>

namespace weir::http {

inline std::string_view without_blanks(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

}  // namespace weir::http
