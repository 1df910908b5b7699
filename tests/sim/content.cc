#include "sim/content.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "weir/base/rng.h"

namespace weir::sim {
namespace {

// A prime, so that no power of two repeats where buffers and chunks do.
constexpr std::size_t kPeriod = 65521;

const char* table() {
  static const std::vector<char> kBytes = [] {
    Rng rng(20261120);
    std::vector<char> bytes(kPeriod);
    for (char& byte : bytes) byte = static_cast<char>(rng.below(256));
    return bytes;
  }();
  return kBytes.data();
}

std::size_t start_of(std::uint64_t key) {
  return static_cast<std::size_t>((key + 1) * 0x9e3779b97f4a7c15 >> 20) % kPeriod;
}

// Calls visit(piece) for each contiguous run of the table.
template <typename Visit>
bool walk(std::uint64_t key, std::size_t from, std::size_t count, Visit visit) {
  std::size_t at = (start_of(key) + from) % kPeriod;
  while (count > 0) {
    std::size_t run = std::min(count, kPeriod - at);
    if (!visit(std::string_view(table() + at, run))) return false;
    count -= run;
    at = 0;
  }
  return true;
}

}  // namespace

void append_content(std::string& out, std::uint64_t key, std::size_t from, std::size_t count) {
  walk(key, from, count, [&](std::string_view piece) {
    out += piece;
    return true;
  });
}

bool is_content(std::uint64_t key, std::size_t from, std::string_view bytes) {
  return walk(key, from, bytes.size(), [&](std::string_view piece) {
    bool is_equal = bytes.substr(0, piece.size()) == piece;
    bytes.remove_prefix(piece.size());
    return is_equal;
  });
}

}  // namespace weir::sim
