#include "weir/base/json_text.h"

namespace weir {
namespace {

char* append_code_unit(char* to, unsigned unit) {
  static constexpr char kHex[] = "0123456789abcdef";
  *to++ = '\\';
  *to++ = 'u';
  for (unsigned shift : {12u, 8u, 4u, 0u}) *to++ = kHex[(unit >> shift) & 15];
  return to;
}

// The character at the front of some bytes, and its length; length 0: not UTF-8 (RFC 3629 §3).
struct Character {
  unsigned code = 0;
  std::size_t length = 0;
};

std::size_t length_of(unsigned first) {
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

Character first_of(std::string_view bytes) {
  auto at = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  std::size_t length = length_of(at(0));
  if (length == 0 || bytes.size() < length) return {};
  unsigned code = length == 1 ? at(0) : at(0) & (0x7fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((at(i) & 0xc0) != 0x80) return {};
    code = code << 6 | (at(i) & 0x3f);
  }
  bool is_overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
  bool is_surrogate = code >= 0xd800 && code < 0xe000;
  if (is_overlong || is_surrogate || code > 0x10ffff) return {};
  return {code, length};
}

char* append_character(char* to, unsigned code) {
  if (code == '"' || code == '\\') {
    *to++ = '\\';
  } else if (code < ' ' || code >= 0x7f) {
    if (code < 0x10000) return append_code_unit(to, code);
    to = append_code_unit(to, 0xd800 + ((code - 0x10000) >> 10));
    return append_code_unit(to, 0xdc00 + ((code - 0x10000) & 0x3ff));
  }
  *to++ = static_cast<char>(code);
  return to;
}

}  // namespace

std::size_t first_not_utf8(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    std::size_t length = first_of(text.substr(at)).length;
    if (length == 0) break;
    at += length;
  }
  return at;
}

char* escape_json(char* to, std::string_view text) {
  constexpr unsigned kReplacement = 0xfffd;
  while (!text.empty()) {
    Character character = first_of(text);
    bool is_text = character.length > 0;
    to = append_character(to, is_text ? character.code : kReplacement);
    text.remove_prefix(is_text ? character.length : 1);
  }
  return to;
}

void append_json_text(std::string& out, std::string_view text) {
  std::size_t before = out.size();
  out.resize(before + text.size() * kMaxJsonBytes);
  char* end = escape_json(out.data() + before, text);
  out.resize(static_cast<std::size_t>(end - out.data()));
}

std::size_t utf8_prefix(std::string_view bytes) {
  std::size_t at = 0;
  while (at < bytes.size()) {
    std::size_t length = first_of(bytes.substr(at)).length;
    if (length == 0) break;
    at += length;
  }
  return at;
}

}  // namespace weir
