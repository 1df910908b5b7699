#pragma once
// The failures of failure.def as an enum and their rows.
#include <cstddef>
#include <string_view>

namespace weir {

enum class Failure : unsigned char {
#define FAILURE(name, status, side, retry, counts, token, text) name,
#include "weir/base/failure.def"
#undef FAILURE
};

enum class Side : unsigned char { kClient, kBackend, kWeir };
enum class RetryClass : unsigned char { kNever, kIfUnread, kIfIdempotent };

struct FailureRow {
  std::string_view name;
  int status;  // 0: nothing is sent any more
  Side side;
  RetryClass retry;
  bool counts_against_backend;
  std::string_view token;  // RFC 9209 error type; empty where no answer is sent
  std::string_view text;
};

inline constexpr FailureRow kFailureRows[] = {
#define FAILURE(name, status, side, retry, counts, token, text) \
  {#name, status, Side::side, RetryClass::retry, counts, token, text},
#include "weir/base/failure.def"
#undef FAILURE
};
inline constexpr std::size_t kFailureCount = sizeof(kFailureRows) / sizeof(kFailureRows[0]);

constexpr const FailureRow& row_of(Failure failure) {
  return kFailureRows[static_cast<std::size_t>(failure)];
}
constexpr std::string_view name_of(Side side) {
  return side == Side::kClient ? "client" : side == Side::kBackend ? "backend" : "weir";
}

}  // namespace weir
