#include "health_text.h"

#include <charconv>

#include "weir/backend/health_checker.h"

namespace weir::backend {
namespace {

std::string text_of(Duration span) {
  auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(span).count();
  if (milliseconds % 1000 == 0) return std::to_string(milliseconds / 1000) + "s";
  return std::to_string(milliseconds) + "ms";
}

}  // namespace

bool is_status_in(std::string_view ranges, int status) {
  const char* at = ranges.data();
  const char* end = at + ranges.size();
  while (at < end) {
    int low = 0;
    at = std::from_chars(at, end, low).ptr;
    int high = low;
    if (at < end && *at == '-') at = std::from_chars(at + 1, end, high).ptr;
    if (status >= low && status <= high) return true;
    ++at;  // the comma
  }
  return false;
}

std::string reason_of(const ProbeResult& result, const config::HealthConfig& check) {
  using Outcome = ProbeResult::Outcome;
  auto with_detail = [&](std::string text) {
    return result.detail.empty() ? text : text + ": " + std::string(result.detail);
  };
  std::string timeout = "timeout after " + text_of(check.timeout);
  switch (result.outcome) {
    case Outcome::kSuccess:
      return result.status == 0 ? "connected" : std::to_string(result.status);
    case Outcome::kRefused:
      return "connection refused";
    case Outcome::kUnreachable:
      return "cannot be reached";
    case Outcome::kTimeoutConnecting:
      return timeout + " while connecting";
    case Outcome::kTimeoutAwaiting:
      return timeout + " while waiting for the answer";
    case Outcome::kTimeoutReading:
      return timeout + " while reading the answer";
    case Outcome::kClosed:
      return "closed without an answer";
    case Outcome::kBadResponse:
      return with_detail("not valid HTTP");
    case Outcome::kCut:
      return with_detail("the answer ended too early");
    case Outcome::kStatus:
      return "status " + std::to_string(result.status) + ", expected " + check.status;
    case Outcome::kNoText:
      return "body without \"" + check.body + "\"";
    case Outcome::kTooLong:
      return "no \"" + check.body + "\" in the first 64 KiB of the body";
  }
  return "?";
}

}  // namespace weir::backend
