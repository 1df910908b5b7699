#pragma once
// Whether a failed attempt is made again: the only place that knows (R30, DESIGN §6). Pure.
#include <cstdint>
#include <string_view>

#include "weir/base/failure.h"
#include "weir/base/time.h"
#include "weir/http/message.h"

namespace weir::proxy {

struct Attempt {
  Failure failure;
  http::Method method = http::Method::kGet;
  bool is_unread = false;           // the backend cannot have read the request
  bool has_response_bytes = false;  // of this attempt, informational ones included
  bool is_request_kept = true;      // head and what came of the body can be sent again
  unsigned tries = 1;               // attempts made so far
  unsigned max_retries = 2;
  Duration since_first_try{};
  Duration retry_window{};
};

enum class RetryVerdict : std::uint8_t {
  kRetry,
  kNotSafe,    // the backend may have acted on it, or it cannot be sent again
  kExhausted,  // tries or window used up
};
RetryVerdict judge(const Attempt& attempt);
// Failed connects are free; everything else draws on the pool's retry budget.
bool needs_budget(Failure failure);
// How long to wait before the next attempt when every backend was tried: 25 ms doubling, with
// jitter in steps, so that the number of distinct timers stays small. `jitter` in [0, 4).
Duration backoff(unsigned tries, std::uint32_t jitter);

}  // namespace weir::proxy
