#pragma once
// What happened in a run, for whoever has to explain a failing seed. The last entries are kept in a
// ring that costs next to nothing; with `--trace` each is printed as it comes.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "sim/virtual_time.h"

namespace weir::sim {

class Trace {
 public:
  explicit Trace(const SimClock& clock) : clock_(clock) {}
  // `who` and `what` are literals; `number` tells those of a kind apart; `value` means what `what`
  // says. Of `text` a short excerpt is kept.
  void note(const char* who, std::uint64_t number, const char* what, std::uint64_t value = 0,
            std::string_view text = {});
  // The last `count` entries to stderr, oldest first.
  void print_tail(std::size_t count) const;
  // Prints every entry from now on.
  void print_all() { prints_all_ = true; }

 private:
  struct Entry {
    Duration at;
    const char* who;
    const char* what;
    std::uint64_t number;
    std::uint64_t value;
    std::array<char, 46> text;
    std::uint8_t text_size;
  };
  static void print(const Entry& entry);
  static constexpr std::size_t kKept = 512;
  const SimClock& clock_;
  std::array<Entry, kKept> ring_;
  std::size_t noted_ = 0;
  bool prints_all_ = false;
};

}  // namespace weir::sim
