#pragma once
// What a fuzz target is: one file with a run() that takes any bytes and ends the process when a
// property does not hold. libFuzzer (scripts/fuzz) and the replay of the corpora (scripts/test)
// call it; both give it bytes in a block of exactly their size, so that ASan sees a step beyond.
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace weir::fuzz {

// Each target defines it.
void run(std::string_view input);

// Says which property of what does not hold, and aborts.
[[noreturn]] void broken(const char* file, int line, const char* property,
                         const std::string& details);

// A copy of its own in memory of exactly its size.
class Exact {
 public:
  explicit Exact(std::string_view text) : bytes_(new char[text.size()]), size_(text.size()) {
    text.copy(bytes_.get(), size_);
  }
  std::string_view view() const { return {bytes_.get(), size_}; }

 private:
  std::unique_ptr<char[]> bytes_;
  std::size_t size_;
};

// Numbers that depend on the input alone, for choices that shall not stand in it.
class Digest {
 public:
  explicit Digest(std::string_view input);
  std::size_t below(std::size_t bound);

 private:
  std::uint64_t state_;
};

// Ways to cut an input of `size` bytes: where each piece ends, the last at `size`. Way 0 is whole,
// way 1 single bytes where there are not too many, the others are the digest's.
inline constexpr unsigned kWaysToCut = 4;
std::vector<std::size_t> cut(std::size_t size, unsigned way, Digest& digest);

// Printable, for messages.
std::string shown(std::string_view bytes);

}  // namespace weir::fuzz

// HOLDS(condition, details…): the details are texts, put together when it does not.
#define HOLDS(condition, ...)                        \
  (__builtin_expect(static_cast<bool>(condition), 1) \
       ? static_cast<void>(0)                        \
       : ::weir::fuzz::broken(__FILE__, __LINE__, #condition, std::string{__VA_ARGS__}))
