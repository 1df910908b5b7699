#include <cstring>

#include "guards.h"
#include "weir/base/ascii.h"
#include "weir/http/forward.h"

namespace weir::http {
namespace {

// The byte that "%XX" at `at` stands for, or -1.
int escaped_byte(std::string_view text, std::size_t at) {
  if (text[at] != '%' || at + 2 >= text.size()) return -1;
  int high = hex_value(text[at + 1]);
  int low = hex_value(text[at + 2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

// RFC 3986 §2.3.
bool is_unreserved(int byte) {
  auto c = static_cast<char>(byte);
  return byte > 0 && byte < 0x80 && (is_char(c, kHostChar) || c == '~');
}

bool is_hex_or_percent(int byte) {
  return byte >= 0 && (byte == '%' || hex_value(static_cast<char>(byte)) >= 0);
}

// Whether decoding leaves something that may be decoded again: no other byte takes part in escapes.
bool is_encoded_twice(std::string_view text) {
  std::size_t at = text.find('%');
  while (at != std::string_view::npos && !is_hex_or_percent(escaped_byte(text, at)))
    at = text.find('%', at + 1);
  return at != std::string_view::npos;
}

std::string decoded(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    int byte = escaped_byte(text, at);
    out.push_back(byte < 0 ? text[at] : static_cast<char>(byte));
    at += byte < 0 ? 1 : 3;
  }
  return out;
}

// A ".." segment of `text` decoded once.
bool has_dots_decoded_once(std::string_view text) {
  // Of the segment so far: dots seen, or kNotDots once anything else came.
  constexpr int kNotDots = 3;
  int dots = kNotDots;
  for (std::size_t at = 0; at < text.size();) {
    int byte = escaped_byte(text, at);
    char c = byte < 0 ? text[at] : static_cast<char>(byte);
    at += byte < 0 ? 1 : 3;
    bool is_separator = c == '/' || c == '\\';
    if ((is_separator || c == ';') && dots == 2) return true;
    if (is_separator)
      dots = 0;
    else
      dots = c == '.' && dots < kNotDots ? dots + 1 : kNotDots;
  }
  return dots == 2;
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

// Some backends decode twice and more. A ".." segment stays one however often it is decoded, so the
// last round shows those of all.
bool has_dot_dot_segment(std::string_view raw_path) {
  // Nobody encodes as often without meaning to hide something.
  constexpr int kMaxRounds = 4;
  if (raw_path.find('%') == std::string_view::npos && raw_path.find("..") == std::string_view::npos)
    return false;
  std::string scratch;
  std::string_view text = raw_path;
  for (int round = 0; is_encoded_twice(text); ++round) {
    if (round == kMaxRounds) return true;
    scratch = decoded(text);
    text = scratch;
  }
  return has_dots_decoded_once(text);
}

}  // namespace weir::http
