#include "line_text.h"

#include <array>

#include "weir/base/json_text.h"

namespace weir::observe {
namespace {

// Of a value's bytes: whether they stand for themselves, need quotes around a logfmt value, or
// more.
enum ByteClass : std::uint8_t { kPlain = 0, kQuoted = 1, kEscaped = 2 };

constexpr auto kByteClasses = [] {
  std::array<std::uint8_t, 256> classes{};
  for (std::size_t c = 0; c < classes.size(); ++c) {
    bool is_escaped = c < ' ' || c >= 0x7f || c == '"' || c == '\\';
    classes[c] = is_escaped ? kEscaped : c == ' ' || c == '=' ? kQuoted : kPlain;
  }
  return classes;
}();

// Sixteen bytes at a time: one comparison of all of them is an instruction.
using Stride = unsigned char __attribute__((vector_size(16)));
using Halves = std::uint64_t __attribute__((vector_size(16)));

bool any(Stride set) {
  Halves halves = reinterpret_cast<Halves>(set);
  return (halves[0] | halves[1]) != 0;
}

struct Seen {
  Stride quoted{};
  Stride escaped{};
};

void look_at(Stride bytes, Seen& seen) {
  seen.quoted |= reinterpret_cast<Stride>((bytes == ' ') | (bytes == '='));
  // Below a space and above '~' in one comparison: the range begins at 0 and wraps around.
  seen.escaped |=
      reinterpret_cast<Stride>((bytes - ' ' > '~' - ' ') | (bytes == '"') | (bytes == '\\'));
}

void copy_stride(char* to, const char* from, Seen& seen) {
  Stride bytes;
  std::memcpy(&bytes, from, sizeof bytes);
  std::memcpy(to, &bytes, sizeof bytes);
  look_at(bytes, seen);
}

// At least as many bytes as a Word has and at most twice as many: its two ends, which may overlap.
// They meet in registers; through memory the wide load would wait for the narrow stores.
template <typename Word>
void copy_ends(char* to, std::string_view value, Seen& seen) {
  Word first = 0;
  Word last = 0;
  std::size_t last_at = value.size() - sizeof(Word);
  std::memcpy(&first, value.data(), sizeof first);
  std::memcpy(&last, value.data() + last_at, sizeof last);
  std::memcpy(to, &first, sizeof first);
  std::memcpy(to + last_at, &last, sizeof last);
  if constexpr (sizeof(Word) == sizeof(std::uint64_t)) {
    look_at(reinterpret_cast<Stride>(Halves{first, last}), seen);
  } else {
    std::uint64_t both = first | std::uint64_t{last} << 32;
    look_at(reinterpret_cast<Stride>(Halves{both, both}), seen);
  }
}

// Three bytes at most: the first, the middle and the last are all there are.
unsigned copy_few(char* to, std::string_view value) {
  if (value.empty()) return kPlain;
  std::size_t middle = value.size() / 2;
  std::size_t last = value.size() - 1;
  to[0] = value[0];
  to[middle] = value[middle];
  to[last] = value[last];
  auto class_at = [value](std::size_t i) -> unsigned {
    return kByteClasses[static_cast<unsigned char>(value[i])];
  };
  return class_at(0) | class_at(middle) | class_at(last);
}

// Copies `value` and says what its bytes need.
unsigned copy_and_look(char* to, std::string_view value) {
  std::size_t size = value.size();
  Seen seen;
  if (size < 4) return copy_few(to, value);
  if (size < 8) {
    copy_ends<std::uint32_t>(to, value, seen);
  } else if (size < sizeof(Stride)) {
    copy_ends<std::uint64_t>(to, value, seen);
  } else {
    std::size_t last = size - sizeof(Stride);
    for (std::size_t i = 0; i < last; i += sizeof(Stride))
      copy_stride(to + i, value.data() + i, seen);
    copy_stride(to + last, value.data() + last, seen);
  }
  if (!any(seen.quoted | seen.escaped)) return kPlain;
  unsigned quoted = any(seen.quoted) ? kQuoted : kPlain;
  return any(seen.escaped) ? quoted | kEscaped : quoted;
}

constexpr char kHex[] = "0123456789abcdef";

char* append_escaped_byte(char* to, unsigned char byte) {
  *to++ = '\\';
  switch (byte) {
    case '"':
    case '\\':
      *to++ = static_cast<char>(byte);
      return to;
    case '\n':
      *to++ = 'n';
      return to;
    case '\r':
      *to++ = 'r';
      return to;
    case '\t':
      *to++ = 't';
      return to;
    default:
      *to++ = 'x';
      *to++ = kHex[byte >> 4];
      *to++ = kHex[byte & 15];
      return to;
  }
}

char* append_with_escapes(char* to, std::string_view value) {
  for (char c : value) {
    auto byte = static_cast<unsigned char>(c);
    if (kByteClasses[byte] == kEscaped) {
      to = append_escaped_byte(to, byte);
    } else {
      *to++ = c;
    }
  }
  return to;
}

}  // namespace

char* append_seconds(char* to, Duration duration) {
  constexpr unsigned kPerSecond = 1'000'000;
  std::int64_t ns = duration.count();
  std::uint64_t us = ns < 0 ? 0 : static_cast<std::uint64_t>(ns) / 1000;
  to = append_number(to, us / kPerSecond);
  *to++ = '.';
  return append_digits<6>(to, static_cast<unsigned>(us % kPerSecond));
}

char* append_logfmt_value(char* to, std::string_view value) {
  unsigned classes = copy_and_look(to, value);
  if (classes == kPlain) return to + value.size();
  if ((classes & kEscaped) == 0) {
    std::memmove(to + 1, to, value.size());
    to[0] = to[value.size() + 1] = '"';
    return to + value.size() + 2;
  }
  *to++ = '"';
  to = append_with_escapes(to, value);
  *to++ = '"';
  return to;
}

char* append_json_text(char* to, std::string_view value) {
  if ((copy_and_look(to, value) & kEscaped) == 0) return to + value.size();
  return escape_json(to, value);
}

char* append_apache_text(char* to, std::string_view value) {
  if ((copy_and_look(to, value) & kEscaped) == 0) return to + value.size();
  return append_with_escapes(to, value);
}

}  // namespace weir::observe
