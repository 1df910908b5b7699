#pragma once
// Hashes of contents: the same on every machine, in every process and version (FNV-1a with a final
// mix), unlike the seeded one that the route table looks names up by. Hashes of parts whose order
// has no meaning are added up.
#include <cstdint>
#include <string_view>
#include <type_traits>

#include "weir/base/time.h"

namespace weir::table {

class Fingerprint {
 public:
  // Texts count with their length, so that "ab","c" is not "a","bc".
  Fingerprint& add(std::string_view text) {
    add(text.size());
    for (char c : text) add_byte(static_cast<std::uint8_t>(c));
    return *this;
  }
  Fingerprint& add(Duration duration) { return add(duration.count()); }
  template <typename Number>
  requires std::is_integral_v<Number> || std::is_enum_v<Number> Fingerprint& add(Number number) {
    auto value = static_cast<std::uint64_t>(number);
    for (int byte = 0; byte < 8; ++byte) add_byte(static_cast<std::uint8_t>(value >> (8 * byte)));
    return *this;
  }
  std::uint64_t value() const {
    std::uint64_t mixed = state_;
    mixed = (mixed ^ (mixed >> 33)) * 0xff51afd7ed558ccd;
    mixed = (mixed ^ (mixed >> 33)) * 0xc4ceb9fe1a85ec53;
    return mixed ^ (mixed >> 33);
  }

 private:
  void add_byte(std::uint8_t byte) { state_ = (state_ ^ byte) * 0x100000001b3; }
  std::uint64_t state_ = 0xcbf29ce484222325;
};

}  // namespace weir::table
