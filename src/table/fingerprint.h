#pragma once
// Hashes of contents: the same on every machine, in every process and version, unlike the seeded
// one that the route table looks names up by. Hashes of parts whose order has no meaning are added
// up.
#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>

#include "weir/base/time.h"

namespace weir::table {

inline std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

// A step: with both halves of a product.
inline std::uint64_t hash_of_word(std::uint64_t word, std::uint64_t state) {
  return mix(state ^ word ^ 0xa0761d6478bd642f, state ^ 0x8ebc6af09c88c6e3) + word;
}

inline std::uint64_t hash_of_bytes(std::string_view bytes, std::uint64_t state) {
  static_assert(std::endian::native == std::endian::little);
  state = mix(state ^ 0x9e3779b97f4a7c15, bytes.size() ^ 0xe7037ed1a0b428db);
  while (!bytes.empty()) {
    std::uint64_t word = 0;
    std::size_t size = bytes.size() < sizeof word ? bytes.size() : sizeof word;
    std::memcpy(&word, bytes.data(), size);
    state = hash_of_word(word, state);
    bytes.remove_prefix(size);
  }
  return state;
}

class Fingerprint {
 public:
  // Texts count with their length, so that "ab","c" is not "a","bc".
  Fingerprint& add(std::string_view text) {
    state_ = hash_of_bytes(text, state_);
    return *this;
  }
  Fingerprint& add(Duration duration) { return add(duration.count()); }
  template <typename Number>
  requires std::is_integral_v<Number> || std::is_enum_v<Number> Fingerprint& add(Number number) {
    auto value = static_cast<std::uint64_t>(number);
    char bytes[sizeof value];
    std::memcpy(bytes, &value, sizeof bytes);
    return add(std::string_view(bytes, sizeof bytes));
  }
  std::uint64_t value() const {
    std::uint64_t mixed = state_;
    mixed = (mixed ^ (mixed >> 33)) * 0xff51afd7ed558ccd;
    mixed = (mixed ^ (mixed >> 33)) * 0xc4ceb9fe1a85ec53;
    return mixed ^ (mixed >> 33);
  }

 private:
  std::uint64_t state_ = 0xcbf29ce484222325;
};

}  // namespace weir::table
