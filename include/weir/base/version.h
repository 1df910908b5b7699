#pragma once
// The version of weir; meson.build is its source.
#include <string_view>

namespace weir {

inline constexpr std::string_view kVersion = WEIR_VERSION;

}  // namespace weir
