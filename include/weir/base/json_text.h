#pragma once
// Text of any bytes as the inside of a JSON string (RFC 8259 §7), in printable ASCII alone: control
// bytes and whatever is not ASCII become \\u escapes, bytes that are not UTF-8 become U+FFFD. Pure.
#include <cstddef>
#include <string>
#include <string_view>

namespace weir {

// Where `text` ceases to be UTF-8 (RFC 3629 §3); its size when all of it is.
std::size_t first_not_utf8(std::string_view text);

// What one byte may become at most: \\u001f.
inline constexpr std::size_t kMaxJsonBytes = 6;

// Writes to `to`, where there is room for kMaxJsonBytes a byte; returns the end.
char* escape_json(char* to, std::string_view text);
void append_json_text(std::string& out, std::string_view text);

// How many bytes at the front are UTF-8 (RFC 3629 §3); all of them when it is text.
std::size_t utf8_prefix(std::string_view bytes);

}  // namespace weir
