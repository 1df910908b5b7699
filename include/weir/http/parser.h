#pragma once
// Bytes to heads. One reading only: what two parsers could read in two ways is refused. Request and
// status lines are parsed by weir, fields by llhttp behind guards (DEPENDENCIES §2). Pure; any
// thread.
#include <cstddef>
#include <string_view>

#include "weir/base/failure.h"
#include "weir/http/message.h"

namespace weir::http {

struct HeadLimits {
  std::size_t start_line_bytes = 8 * 1024;  // requests only (414)
  std::size_t head_bytes = 32 * 1024;       // start line and fields with their ends
  std::size_t fields = 100;
};

enum class HeadStatus : unsigned char { kIncomplete, kComplete, kRefused };

struct HeadResult {
  HeadStatus status = HeadStatus::kIncomplete;
  Failure failure = Failure::bad_request;  // of kRefused; responses: always bad_response
  std::string_view reason{};  // of kRefused: a constant sentence for logs and Proxy-Status
};

// What is remembered of an incomplete head, so that bytes are scanned once whatever the pieces.
struct HeadProgress {
  std::size_t scanned = 0;       // these bytes were seen and hold nothing refusable
  std::size_t fields_begin = 0;  // behind the start line, once that was accepted
  std::size_t fields = 0;        // field lines begun so far
};

// Parses the head at the front of `bytes`. kIncomplete: call again with the same bytes and more
// behind them (`bytes` may have moved), and the same progress; refuses as early as the bytes allow.
// kComplete: `out` is filled, its head_bytes say where the body begins; progress is reset.
HeadResult parse_request_head(std::string_view bytes, const HeadLimits& limits,
                              HeadProgress& progress, RequestHead& out);
// For logs, of a request that was refused or never complete: fills method_text, target, path, query,
// host and minor_version (-1: not known) as far as `bytes`, the beginning of its head, say them
// without doubt; the rest of them are empty. Nothing else in `out` is touched.
void describe_refused(std::string_view bytes, RequestHead& out);
// `request_method` decides about the body (R20).
HeadResult parse_response_head(std::string_view bytes, const HeadLimits& limits,
                               HeadProgress& progress, Method request_method, ResponseHead& out);

// A trailer section: fields up to and including the empty line. `failure` is bad_request.
// On kComplete `head_bytes` is set and `out` holds the fields (pointing into `bytes`), names that
// frame or route left out (R17, R26).
HeadResult parse_trailers(std::string_view bytes, const HeadLimits& limits, HeadProgress& progress,
                          Fields& out, std::size_t& head_bytes);

}  // namespace weir::http
