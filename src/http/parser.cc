#include "weir/http/parser.h"

#include <algorithm>

#include "field_parser.h"
#include "framing.h"
#include "guards.h"
#include "semantics.h"
#include "start_line.h"

// The order of all checks is the order of the bytes that decide them, so that the outcome does not
// depend on how the bytes were cut: start of line, start line, guards over the fields; then, with
// the whole head at hand, llhttp and the meaning.

namespace weir::http {
namespace {

HeadResult incomplete() { return {HeadStatus::kIncomplete, Failure::bad_request, {}}; }
HeadResult complete() { return {HeadStatus::kComplete, Failure::bad_request, {}}; }
HeadResult refused(const Refusal& refusal) {
  return {HeadStatus::kRefused, refusal.failure, refusal.reason};
}

void clear(RequestHead& head) {
  head.authority = head.host = head.upgrade = {};
  head.absolute_scheme.reset();
  head.fields.clear();
  head.body = {};
  head.wants_keep_alive = true;
  head.expects_continue = head.accepts_trailers = head.connection_names_fields = false;
  head.max_forwards.reset();
  head.head_bytes = 0;
}

void clear(ResponseHead& head) {
  head.reason = head.upgrade = {};
  head.fields.clear();
  head.body = {};
  head.keeps_alive = true;
  head.connection_names_fields = false;
  head.keep_alive_timeout_seconds.reset();
  head.head_bytes = 0;
}

// The start line's CR as a kFound, kMore when it has not come; lines of more than `max_line` bytes
// and heads of more than head_bytes are refused.
Scan find_start_line(std::string_view bytes, std::size_t begin, std::size_t max_line,
                     const HeadLimits& limits, std::size_t from) {
  std::size_t line_window = begin + max_line + 2;
  std::size_t window = std::min(line_window, limits.head_bytes);
  Scan scan = find_line_end(bytes.substr(0, window), std::max(from, begin));
  if (scan.status != ScanStatus::kMore || bytes.size() < window) return scan;
  if (line_window <= limits.head_bytes)
    return {ScanStatus::kRefused, 0, {"the request line is too long", Failure::uri_too_long}};
  return {ScanStatus::kRefused, 0, {"the head is too large", Failure::head_too_large}};
}

// R05: one empty line in front of a request is an old client's; what is behind it decides.
HeadResult skip_empty_line(std::string_view bytes, std::size_t& begin) {
  begin = 0;
  if (bytes.empty() || bytes[0] != '\r') return complete();
  if (bytes.size() == 1) return incomplete();
  if (bytes[1] != '\n') return refused({"bare CR in the head"});
  if (bytes.size() == 2) return incomplete();
  if (bytes[2] == '\r') return refused({"more than one empty line before a request"});
  begin = 2;
  return complete();
}

// Finds the end of the fields behind the start line and parses them. kComplete: `end` is set.
HeadResult read_fields(std::string_view bytes, const HeadLimits& limits, HeadProgress& progress,
                       Fields& out, std::size_t& end) {
  std::string_view window = bytes.substr(0, limits.head_bytes);
  std::size_t begin = progress.fields_begin;
  LineEnds ends;
  Scan scan = find_fields_end(window, begin, std::max(progress.scanned, begin), progress.fields,
                              limits.fields, ends);
  if (scan.status == ScanStatus::kRefused) return refused(scan.refusal);
  progress.scanned = scan.position;
  if (scan.status == ScanStatus::kMore) {
    if (bytes.size() < limits.head_bytes) return incomplete();
    return refused({"the head is too large", Failure::head_too_large});
  }
  end = scan.position;
  if (Refusal refusal = parse_fields(bytes.substr(0, end), begin, ends, out))
    return refused(refusal);
  progress = {};
  return complete();
}

}  // namespace

HeadResult parse_request_head(std::string_view bytes, const HeadLimits& limits,
                              HeadProgress& progress, RequestHead& out) {
  std::size_t begin = 0;
  HeadResult empty_line = skip_empty_line(bytes, begin);
  if (empty_line.status != HeadStatus::kComplete) return empty_line;
  if (bytes.empty()) return incomplete();
  std::size_t line_end = progress.fields_begin == 0 ? 0 : progress.fields_begin - 2;
  bool is_first_look = line_end == 0;
  if (is_first_look) {
    if (Refusal refusal = check_request_beginning(bytes.substr(begin))) return refused(refusal);
    Scan scan = find_start_line(bytes, begin, limits.start_line_bytes, limits, progress.scanned);
    if (scan.status == ScanStatus::kRefused) return refused(scan.refusal);
    progress.scanned = scan.position;
    if (scan.status == ScanStatus::kMore) return incomplete();
    line_end = scan.position;
    clear(out);
    if (Refusal refusal = parse_request_line(bytes.substr(begin, line_end - begin), out))
      return refused(refusal);
    progress.fields_begin = progress.scanned = line_end + 2;
  }
  if (!is_first_look) clear(out);
  std::size_t end = 0;
  HeadResult fields = read_fields(bytes, limits, progress, out.fields, end);
  if (fields.status != HeadStatus::kComplete) return fields;
  // What an earlier call made of the line points to where the bytes were then.
  if (!is_first_look) parse_request_line(bytes.substr(begin, line_end - begin), out);
  if (Refusal refusal = understand_request(out)) return refused(refusal);
  out.head_bytes = end;
  return fields;
}

namespace {

HeadResult parse_response(std::string_view bytes, const HeadLimits& limits, HeadProgress& progress,
                          Method request_method, ResponseHead& out) {
  if (bytes.empty()) return incomplete();
  std::size_t line_end = progress.fields_begin == 0 ? 0 : progress.fields_begin - 2;
  bool is_first_look = line_end == 0;
  clear(out);
  if (is_first_look) {
    if (Refusal refusal = check_response_beginning(bytes)) return refused(refusal);
    Scan scan = find_start_line(bytes, 0, limits.head_bytes, limits, progress.scanned);
    if (scan.status == ScanStatus::kRefused) return refused(scan.refusal);
    progress.scanned = scan.position;
    if (scan.status == ScanStatus::kMore) return incomplete();
    line_end = scan.position;
    if (Refusal refusal = parse_status_line(bytes.substr(0, line_end), out))
      return refused(refusal);
    progress.fields_begin = progress.scanned = line_end + 2;
  }
  std::size_t end = 0;
  HeadResult fields = read_fields(bytes, limits, progress, out.fields, end);
  if (fields.status != HeadStatus::kComplete) return fields;
  if (!is_first_look) parse_status_line(bytes.substr(0, line_end), out);
  if (Refusal refusal = understand_response(request_method, out)) return refused(refusal);
  out.head_bytes = end;
  return fields;
}

}  // namespace

HeadResult parse_response_head(std::string_view bytes, const HeadLimits& limits,
                               HeadProgress& progress, Method request_method, ResponseHead& out) {
  HeadResult result = parse_response(bytes, limits, progress, request_method, out);
  // Whatever a client would be told, of a backend it is all the same (R21).
  result.failure = result.status == HeadStatus::kRefused ? Failure::bad_response : result.failure;
  return result;
}

HeadResult parse_trailers(std::string_view bytes, const HeadLimits& limits, HeadProgress& progress,
                          Fields& out, std::size_t& head_bytes) {
  out.clear();
  HeadResult result = read_fields(bytes, limits, progress, out, head_bytes);
  if (result.status == HeadStatus::kRefused) result.failure = Failure::bad_request;
  out.remove_if(is_forbidden_in_trailers);
  return result;
}

}  // namespace weir::http
