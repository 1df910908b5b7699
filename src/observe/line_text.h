#pragma once
// Appending to a line through a bare pointer: whoever calls has made room, kMaxEscapedBytes for
// each byte of text and kSlackBytes behind. All return the new end.
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string_view>

#include "weir/base/json_text.h"
#include "weir/base/time.h"

namespace weir::observe {

inline constexpr std::size_t kMaxEscapedBytes = kMaxJsonBytes;  // the longest of all escapes
inline constexpr std::size_t kSlackBytes = 64;  // copies go in strides; a number's digits

// A constant: its size is known, so that no call is made.
template <std::size_t kSize>
[[gnu::always_inline]] inline char* append(char* to, const char (&text)[kSize]) {
  std::memcpy(to, text, kSize - 1);
  return to + kSize - 1;
}
inline char* append_bytes(char* to, std::string_view bytes) {
  std::memcpy(to, bytes.data(), bytes.size());
  return to + bytes.size();
}
template <typename Integer>
char* append_number(char* to, Integer value) {
  if (static_cast<std::uint64_t>(value) < 10) {
    *to++ = static_cast<char>('0' + value);
    return to;
  }
  return std::to_chars(to, to + std::numeric_limits<Integer>::digits10 + 2, value).ptr;
}
// "00" to "99", one behind the other.
inline constexpr auto kDigitPairs = [] {
  std::array<char, 200> pairs{};
  for (unsigned i = 0; i < 100; ++i) {
    pairs[2 * i] = static_cast<char>('0' + i / 10);
    pairs[2 * i + 1] = static_cast<char>('0' + i % 10);
  }
  return pairs;
}();
// `number` with its leading zeros, in so many digits.
template <unsigned kDigits>
char* append_digits(char* to, unsigned number) {
  unsigned at = kDigits;
  for (; at >= 2; at -= 2, number /= 100)
    std::memcpy(to + at - 2, kDigitPairs.data() + std::size_t{2} * (number % 100), 2);
  if (at == 1) *to = static_cast<char>('0' + number % 10);
  return to + kDigits;
}
// Seconds with six decimals; a negative duration counts as none.
char* append_seconds(char* to, Duration duration);

// A logfmt value: bare where that is possible, else in quotes.
char* append_logfmt_value(char* to, std::string_view value);
// The inside of a JSON string, in ASCII.
char* append_json_text(char* to, std::string_view value);
// The inside of one of Apache's quoted strings.
char* append_apache_text(char* to, std::string_view value);

}  // namespace weir::observe
