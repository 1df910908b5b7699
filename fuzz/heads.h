#pragma once
// What the targets for request and response heads share.
#include <string>
#include <string_view>

#include "naive_head.h"
#include "target.h"
#include "weir/http/parser.h"

namespace weir::fuzz {

// Those of [limits], and tight ones, so that short inputs pass them.
inline constexpr http::HeadLimits kLimits[] = {
    {}, {.start_line_bytes = 40, .head_bytes = 160, .fields = 4}};

std::string described(const http::Fields& fields);
std::string described(const http::HeadResult& result);
inline std::string described(const http::BodyFraming& body) {
  return std::to_string(static_cast<int>(body.kind)) + "/" + std::to_string(body.length);
}

// Two readings agree about one and the same bytes; `named` is for the message.
void check_agreement(const http::HeadResult& result, Verdict naive, std::string_view bytes);
// A complete head's fields are the naive reading's, and what is_verbatim promises holds.
void check_fields(const http::Fields& fields, const NaiveHead& naive);
// Those that pass through weir unchanged, one per line: neither weir's own business nor named in
// Connection.
std::string passing(const http::Fields& fields, const NaiveHead& naive, bool is_response);

}  // namespace weir::fuzz
