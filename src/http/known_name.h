#pragma once
// Comparison with names known when weir is built, in any case and in a few words instead of a loop
// over bytes. Exact for any bytes.
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>

namespace weir::http {

// The bytes of a text of kMinBytes to kMaxBytes, some of them twice.
struct NameWords {
 private:
  template <std::size_t kBytes>
  static constexpr std::uint64_t load(std::string_view text, std::size_t at) {
    if (std::is_constant_evaluated() || std::endian::native != std::endian::little) {
      std::uint64_t word = 0;
      for (std::size_t i = 0; i < kBytes; ++i)
        word |= std::uint64_t{static_cast<std::uint8_t>(text[at + i])} << 8 * i;
      return word;
    }
    std::conditional_t<kBytes == 8, std::uint64_t,
                       std::conditional_t<kBytes == 4, std::uint32_t, std::uint16_t>>
        word;
    std::memcpy(&word, text.data() + at, kBytes);
    return word;
  }

 public:
  static constexpr std::size_t kMinBytes = 2;
  static constexpr std::size_t kMaxBytes = 17;
  std::uint64_t first;
  std::uint64_t last;
  std::uint8_t middle;  // of 17 bytes the one that is in neither

  static constexpr NameWords of(std::string_view text) {
    std::size_t size = text.size();
    auto middle = static_cast<std::uint8_t>(text[size / 2]);
    if (size >= 8) return {load<8>(text, 0), load<8>(text, size - 8), middle};
    if (size >= 4) return {load<4>(text, 0), load<4>(text, size - 4), middle};
    return {load<2>(text, 0), load<2>(text, size - 2), middle};
  }
};

// A name in lower case, of kMinBytes to kMaxBytes.
class KnownName {
 public:
  constexpr KnownName() = default;
  consteval explicit KnownName(std::string_view lower) : KnownName(lower, folding_of(lower)) {}

  bool matches(std::string_view text) const {
    return text.size() == size_ && matches(NameWords::of(text), text.size());
  }
  bool matches(const NameWords& words, std::size_t size) const {
    std::uint64_t difference =
        ((words.first | folding_.first) ^ words_.first) |
        ((words.last | folding_.last) ^ words_.last) |
        static_cast<unsigned>((words.middle | folding_.middle) ^ words_.middle);
    return difference == 0 && size == size_;
  }

 private:
  struct Text {
    char bytes[NameWords::kMaxBytes];
  };
  // The bit that tells cases apart, where there is a letter.
  static consteval Text folding_of(std::string_view lower) {
    Text folding{};
    for (std::size_t i = 0; i < lower.size(); ++i)
      folding.bytes[i] = lower[i] >= 'a' && lower[i] <= 'z' ? 0x20 : 0;
    return folding;
  }
  consteval KnownName(std::string_view lower, const Text& folding)
      : words_(NameWords::of(lower)),
        folding_(NameWords::of({folding.bytes, lower.size()})),
        size_(lower.size()) {}

  NameWords words_{};
  NameWords folding_{};
  std::size_t size_ = 0;
};

// What Connection holds nearly always.
inline constexpr KnownName kKeepAliveOption("keep-alive");

}  // namespace weir::http
