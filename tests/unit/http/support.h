#pragma once
// Shared by the tests of http/: parse in one go, and print what was sent.
#include <doctest/doctest.h>

#include <deque>
#include <string>
#include <string_view>
#include <utility>

#include "weir/http/body.h"
#include "weir/http/forward.h"
#include "weir/http/parser.h"

namespace weir::http::test {

inline HeadResult parse(std::string_view bytes, RequestHead& head, const HeadLimits& limits = {}) {
  HeadProgress progress;
  return parse_request_head(bytes, limits, progress, head);
}

inline HeadResult parse(std::string_view bytes, ResponseHead& head, Method method = Method::kGet,
                        const HeadLimits& limits = {}) {
  HeadProgress progress;
  return parse_response_head(bytes, limits, progress, method, head);
}

// For messages that were composed in the call: what was parsed points into them.
inline std::string_view kept(std::string bytes) {
  static std::deque<std::string> all;
  return all.emplace_back(std::move(bytes));
}
inline HeadResult parse(const char* literal, RequestHead& head) {
  return parse(std::string_view(literal), head);
}
inline HeadResult parse(std::string&& bytes, RequestHead& head) {
  return parse(kept(std::move(bytes)), head);
}
inline HeadResult parse(std::string&& bytes, ResponseHead& head, Method method = Method::kGet) {
  return parse(kept(std::move(bytes)), head, method);
}

// "ok", "more", or the name of the failure.
inline std::string outcome(const HeadResult& result) {
  if (result.status == HeadStatus::kComplete) return "ok";
  if (result.status == HeadStatus::kIncomplete) return "more";
  CHECK_FALSE(result.reason.empty());
  return std::string(row_of(result.failure).name);
}

inline std::string request_outcome(std::string_view bytes, const HeadLimits& limits = {}) {
  RequestHead head;
  return outcome(parse(bytes, head, limits));
}

inline std::string response_outcome(std::string_view bytes, Method method = Method::kGet) {
  ResponseHead head;
  return outcome(parse(bytes, head, method));
}

// A request with these further field lines (each with its end).
inline std::string with_fields(std::string_view lines, std::string_view start = "GET / HTTP/1.1") {
  return std::string(start) + "\r\nHost: a\r\n" + std::string(lines) + "\r\n";
}

inline std::string response_with(std::string_view lines,
                                 std::string_view start = "HTTP/1.1 200 OK") {
  return std::string(start) + "\r\n" + std::string(lines) + "\r\n";
}

// The request's head as the backend gets it.
inline std::string forwarded(std::string_view bytes, RequestForwarding how) {
  RequestHead head;
  HeadResult result = parse(bytes, head);
  if (result.status != HeadStatus::kComplete) return "refused: " + std::string(result.reason);
  if (how.body.kind == BodyKind::kNone) how.body = head.body;
  Buffer out;
  append_request_head(out, head, how);
  return std::string(out.view());
}

inline RequestForwarding plain_forwarding() {
  RequestForwarding how;
  how.peer = IpAddress::v4(0xc0000201, 4711);
  how.listener_port = 80;
  how.server_name = "weir";
  how.request_id = "id-1";
  return how;
}

inline bool has_line(const std::string& head, std::string_view line) {
  return head.find("\r\n" + std::string(line) + "\r\n") != std::string::npos;
}

// How often a line begins with `name` and a colon, case-insensitively.
inline int count_fields(std::string_view head, std::string_view name) {
  int count = 0;
  for (std::size_t at = head.find("\r\n"); at != std::string_view::npos;
       at = head.find("\r\n", at + 2)) {
    std::string_view line = head.substr(at + 2);
    count += line.size() > name.size() && line[name.size()] == ':' &&
             equals_ignoring_case(line.substr(0, name.size()), name);
  }
  return count;
}

}  // namespace weir::http::test
