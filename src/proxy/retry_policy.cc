#include "weir/proxy/retry_policy.h"

#include <algorithm>

#include "weir/base/guard.h"

namespace weir::proxy {

RetryVerdict judge(const Attempt& attempt) {
  RetryClass retry = row_of(attempt.failure).retry;
  if (retry == RetryClass::kNever) return RetryVerdict::kNotSafe;
  if (guard(Guard::kNoRetryAfterResponseByte, attempt.has_response_bytes))
    return RetryVerdict::kNotSafe;
  if (guard(Guard::kNoRetryOfLostBody, !attempt.is_request_kept)) return RetryVerdict::kNotSafe;
  bool is_harmless = attempt.is_unread ||
                     (retry == RetryClass::kIfIdempotent && http::is_idempotent(attempt.method));
  if (guard(Guard::kNoRetryOfReadRequest, !is_harmless)) return RetryVerdict::kNotSafe;
  if (attempt.tries > attempt.max_retries) return RetryVerdict::kExhausted;
  if (attempt.since_first_try >= attempt.retry_window) return RetryVerdict::kExhausted;
  return RetryVerdict::kRetry;
}

bool needs_budget(Failure failure) {
  return failure != Failure::connect_refused && failure != Failure::connect_unreachable &&
         failure != Failure::connect_timeout;
}

Duration backoff(unsigned tries, std::uint32_t jitter) {
  unsigned doublings = std::min(tries, 5u) - std::min(tries, 1u);
  Duration base = std::chrono::milliseconds(25) * (1u << doublings);
  return base + base / 8 * jitter;
}

}  // namespace weir::proxy
