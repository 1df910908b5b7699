// The retry policy over every row of failure.def (R30, DESIGN §6).
#include "weir/proxy/retry_policy.h"

#include <doctest/doctest.h>

#include <set>
#include <string_view>

namespace {

using namespace weir;
using namespace weir::proxy;
using namespace std::chrono_literals;
using http::Method;

constexpr Method kMethods[] = {Method::kGet,     Method::kHead,  Method::kPost,    Method::kPut,
                               Method::kDelete,  Method::kTrace, Method::kConnect, Method::kPatch,
                               Method::kOptions, Method::kOther};

// Written down here once more, so that a changed row of failure.def must be meant.
const std::set<std::string_view> kIfUnread = {"connect_refused", "connect_unreachable",
                                              "connect_timeout"};
const std::set<std::string_view> kIfIdempotent = {"closed_before_response"};
const std::set<Method> kIdempotent = {Method::kGet,    Method::kHead,  Method::kPut,
                                      Method::kDelete, Method::kTrace, Method::kOptions};

TEST_CASE("R30: what may be tried again, for every failure, method and circumstance") {
  int retried = 0;
  for (std::size_t row = 0; row < kFailureCount; ++row) {
    for (Method method : kMethods) {
      for (unsigned bits = 0; bits < 32; ++bits) {
        Attempt attempt;
        attempt.failure = static_cast<Failure>(row);
        attempt.method = method;
        attempt.is_unread = (bits & 1) != 0;
        attempt.has_response_bytes = (bits & 2) != 0;
        attempt.is_request_kept = (bits & 4) != 0;
        attempt.tries = (bits & 8) != 0 ? 3 : 2;
        attempt.max_retries = 2;
        attempt.retry_window = 10s;
        attempt.since_first_try = (bits & 16) != 0 ? Duration(10s) : Duration(10s - 1ns);
        std::string_view name = kFailureRows[row].name;
        CAPTURE(name);
        CAPTURE(static_cast<int>(method));
        CAPTURE(bits);
        bool is_safe = kIfUnread.count(name) > 0
                           ? attempt.is_unread
                           : kIfIdempotent.count(name) > 0 &&
                                 (attempt.is_unread || kIdempotent.count(method) > 0);
        is_safe = is_safe && !attempt.has_response_bytes && attempt.is_request_kept;
        bool is_exhausted = (bits & 24) != 0;
        RetryVerdict expected = !is_safe       ? RetryVerdict::kNotSafe
                                : is_exhausted ? RetryVerdict::kExhausted
                                               : RetryVerdict::kRetry;
        CHECK(judge(attempt) == expected);
        retried += expected == RetryVerdict::kRetry ? 1 : 0;
      }
    }
  }
  // Three connect failures when unread, closed_before_response when unread or idempotent.
  CHECK(retried == 3 * 10 + 10 + 6);
}

TEST_CASE("a pool without retries has none") {
  Attempt attempt;
  attempt.failure = Failure::connect_refused;
  attempt.is_unread = true;
  attempt.max_retries = 0;
  attempt.retry_window = 10s;
  CHECK(judge(attempt) == RetryVerdict::kExhausted);
  attempt.max_retries = 1;
  CHECK(judge(attempt) == RetryVerdict::kRetry);
  attempt.retry_window = 0s;
  CHECK(judge(attempt) == RetryVerdict::kExhausted);
}

TEST_CASE("failed connects are free, all else draws on the budget") {
  for (std::size_t row = 0; row < kFailureCount; ++row)
    CHECK(needs_budget(static_cast<Failure>(row)) ==
          (kIfUnread.count(kFailureRows[row].name) == 0));
}

TEST_CASE("the pause between attempts doubles from 25 ms and stays below a second") {
  CHECK(backoff(1, 0) == 25ms);
  CHECK(backoff(2, 0) == 50ms);
  CHECK(backoff(3, 0) == 100ms);
  CHECK(backoff(4, 0) == 200ms);
  std::set<Duration> distinct;
  for (unsigned tries = 0; tries < 1000; ++tries) {
    for (std::uint32_t jitter = 0; jitter < 4; ++jitter) {
      Duration pause = backoff(tries, jitter);
      CHECK(pause >= 25ms);
      CHECK(pause < 1s);
      CHECK(pause >= backoff(tries, 0));
      CHECK(pause < 2 * backoff(tries, 0));
      distinct.insert(pause);
    }
  }
  CHECK(distinct.size() <= 20);  // timers are cheap as long as durations are few
}

TEST_CASE("every failure has a status or nothing to send, and the token that belongs to it") {
  // RFC 9209 §2.3.
  const std::set<std::string_view> kTokens = {
      "http_request_error",        "destination_not_found",   "destination_unavailable",
      "connection_limit_reached",  "proxy_internal_error",    "connection_refused",
      "destination_ip_unroutable", "connection_terminated",   "http_protocol_error",
      "proxy_loop_detected",       "proxy_configuration_error", "connection_timeout",      "connection_write_timeout",
      "http_response_timeout",     "http_response_incomplete"};
  for (const FailureRow& row : kFailureRows) {
    CAPTURE(row.name);
    CHECK((row.status == 0 || (row.status >= 400 && row.status < 600)));
    CHECK(
        (row.side != Side::kClient || row.status < 500 || row.status == 501 || row.status == 505));
    CHECK((row.status != 0) <= (kTokens.count(row.token) == 1));
    CHECK((row.token.empty() || kTokens.count(row.token) == 1));
    CHECK(row.text.ends_with('.'));
    CHECK((!row.counts_against_backend || row.side == Side::kBackend));
  }
}

}  // namespace
