#pragma once
// The forms in which weir answers by itself, in the order of its own preference.
#include <cstddef>
#include <cstdint>

namespace weir {

enum class Form : std::uint8_t { kText, kHtml, kJson };
inline constexpr std::size_t kForms = 3;

}  // namespace weir
