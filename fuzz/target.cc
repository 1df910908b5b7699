#include "target.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace weir::fuzz {

void broken(const char* file, int line, const char* property, const std::string& details) {
  std::fprintf(stderr, "%s:%d: does not hold: %s\n%s\n", file, line, property, details.c_str());
  std::abort();
}

Digest::Digest(std::string_view input) : state_(0xcbf29ce484222325) {
  for (char c : input) state_ = (state_ ^ static_cast<unsigned char>(c)) * 0x100000001b3;
}

std::size_t Digest::below(std::size_t bound) {
  state_ = state_ * 6364136223846793005 + 1442695040888963407;
  return (state_ >> 33) % bound;
}

std::vector<std::size_t> cut(std::size_t size, unsigned way, Digest& digest) {
  // What pieces cost grows with the square of their number.
  constexpr std::size_t kMaxPieces = 256;
  std::vector<std::size_t> ends;
  std::size_t mean = way == 1 ? std::max<std::size_t>(1, size / kMaxPieces)
                              : std::max<std::size_t>(1, size / (way == 2 ? 3 : 16));
  if (way > 0) {
    for (std::size_t end = 0; end < size; end += mean == 1 ? 1 : 1 + digest.below(2 * mean))
      ends.push_back(end);
  }
  ends.push_back(size);
  return ends;
}

std::string shown(std::string_view bytes) {
  std::string out;
  for (char c : bytes) {
    char text[8];
    bool is_plain = c >= 0x20 && c < 0x7f && c != '\\';
    std::snprintf(text, sizeof text,
                  is_plain    ? "%c"
                  : c == '\r' ? "\\r"
                  : c == '\n' ? "\\n"
                              : "\\x%02x",
                  is_plain ? c : static_cast<unsigned char>(c));
    out += text;
  }
  return out;
}

}  // namespace weir::fuzz
