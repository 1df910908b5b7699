#pragma once
// What the access log wants of a request, copied because the head dies with its event: all texts
// one behind the other in one pooled buffer.
#include <array>
#include <cstdint>
#include <string_view>

#include "exchange.h"

namespace weir::proxy {

struct Exchange::LogText {
  enum Part : std::uint8_t { kMethod, kHost, kPath, kUserAgent, kReferer, kRoute, kParts };

  // In the order of the parts, each once at most.
  void add(Part part, std::string_view value) {
    text.append(value);
    for (std::size_t i = part; i < kParts; ++i) ends[i] = text.size();
  }
  std::string_view get(Part part) const {
    std::size_t begin = part == 0 ? 0 : ends[part - 1];
    return text.view().substr(begin, ends[part] - begin);
  }

  IpAddress client;
  std::string_view scheme;
  int minor_version = 1;
  Buffer text;
  std::array<std::size_t, kParts> ends{};
};

}  // namespace weir::proxy
