#include <cstring>

#include "guards.h"
#include "weir/http/forward.h"

namespace weir::http {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  char folded = static_cast<char>(c | 0x20);
  return folded >= 'a' && folded <= 'f' ? folded - 'a' + 10 : -1;
}

// The byte that "%XX" at `at` stands for, or -1.
int escaped_byte(std::string_view text, std::size_t at) {
  if (text[at] != '%' || at + 2 >= text.size()) return -1;
  int high = hex_digit(text[at + 1]);
  int low = hex_digit(text[at + 2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

// RFC 3986 §2.3.
bool is_unreserved(int byte) {
  auto c = static_cast<char>(byte);
  return byte > 0 && byte < 0x80 && (is_char(c, kHostChar) || c == '~');
}

// The character at `at`, through any number of escapes ("%252e" is "%2e" is "."), and its end. Some
// backends decode twice.
char decoded_char(std::string_view text, std::size_t at, std::size_t& end) {
  int byte = escaped_byte(text, at);
  if (byte < 0) {
    end = at + 1;
    return text[at];
  }
  std::size_t digits = at + 1;
  while (byte == '%' && digits + 3 < text.size()) {
    int high = hex_digit(text[digits + 2]);
    int low = hex_digit(text[digits + 3]);
    if (high < 0 || low < 0) break;
    digits += 2;
    byte = high * 16 + low;
  }
  end = digits + 2;
  return static_cast<char>(byte);
}

}  // namespace

std::string_view matching_path(std::string_view raw, std::string& scratch) {
  std::size_t at = raw.find('%');
  while (at != std::string_view::npos && !is_unreserved(escaped_byte(raw, at)))
    at = raw.find('%', at + 1);
  if (at == std::string_view::npos) return raw;
  scratch.assign(raw.substr(0, at));
  while (at < raw.size()) {
    int byte = escaped_byte(raw, at);
    bool is_decoded = is_unreserved(byte);
    scratch.push_back(is_decoded ? static_cast<char>(byte) : raw[at]);
    at += is_decoded ? 3 : 1;
  }
  return scratch;
}

bool has_dot_dot_segment(std::string_view raw_path) {
  // Of the segment so far: dots seen, or kNotDots once anything else came.
  constexpr int kNotDots = 3;
  int dots = kNotDots;
  for (std::size_t at = 0; at < raw_path.size();) {
    char c = decoded_char(raw_path, at, at);
    bool is_separator = c == '/' || c == '\\';
    if ((is_separator || c == ';') && dots == 2) return true;
    if (is_separator)
      dots = 0;
    else
      dots = c == '.' && dots < kNotDots ? dots + 1 : kNotDots;
  }
  return dots == 2;
}

}  // namespace weir::http
