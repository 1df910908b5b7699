#pragma once
// Bounds of an exchange that are not configuration.
#include <cstddef>

namespace weir::proxy {

// A request larger than this (head and body together) is not kept for another attempt.
inline constexpr std::size_t kMaxKeptRequestBytes = 32 * 1024;
// From this size on a piece of an upload that is not kept is sent from where it lies.
inline constexpr std::size_t kDirectUploadBytes = 16 * 1024;

}  // namespace weir::proxy
