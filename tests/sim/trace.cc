#include "sim/trace.h"

#include <algorithm>
#include <cstdio>
#include <string>

namespace weir::sim {

void Trace::note(const char* who, std::uint64_t number, const char* what, std::uint64_t value,
                 std::string_view text) {
  Entry& entry = ring_[noted_++ % kKept];
  entry.at = clock_.since_start();
  entry.who = who;
  entry.what = what;
  entry.number = number;
  entry.value = value;
  entry.text_size = static_cast<std::uint8_t>(std::min(text.size(), entry.text.size()));
  std::copy_n(text.data(), entry.text_size, entry.text.data());
  if (prints_all_) print(entry);
}

void Trace::print_tail(std::size_t count) const {
  std::size_t kept = std::min({noted_, kKept, count});
  for (std::size_t i = noted_ - kept; i < noted_; ++i) print(ring_[i % kKept]);
}

void Trace::print(const Entry& entry) {
  std::string text;
  for (std::size_t i = 0; i < entry.text_size; ++i) {
    char c = entry.text[i];
    if (c == '\r') {
      text += "\\r";
    } else if (c == '\n') {
      text += "\\n";
    } else {
      text += c >= ' ' && c <= '~' ? c : '?';
    }
  }
  double seconds = std::chrono::duration<double>(entry.at).count();
  std::fprintf(stderr, "%14.6f  %-8s %3llu  %-24s %8llu  %s\n", seconds, entry.who,
               static_cast<unsigned long long>(entry.number), entry.what,
               static_cast<unsigned long long>(entry.value), text.c_str());
}

}  // namespace weir::sim
