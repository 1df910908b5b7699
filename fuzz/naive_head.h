#pragma once
// Heads read a second time, byte by byte and as plainly as the rules are written (R01 to R12, R20,
// R21), by code that shares nothing with src/http. Both readings have to agree on every input.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "weir/http/parser.h"

namespace weir::fuzz {

enum class Verdict : std::uint8_t { kIncomplete, kRefused, kFine };

struct NaiveHead {
  std::string start_line;
  std::vector<std::pair<std::string, std::string>> fields;  // values without white space around
  std::size_t head_bytes = 0;
  http::BodyKind body = http::BodyKind::kNone;
  std::uint64_t length = 0;

  // The values of a name in lower case.
  std::vector<std::string> values(std::string_view name) const;
};

// An incomplete head may be refused already, or only when it is complete; a refused one stays so.
Verdict naive_request(std::string_view bytes, const http::HeadLimits& limits, NaiveHead& out);
Verdict naive_response(std::string_view bytes, const http::HeadLimits& limits,
                       http::Method request_method, NaiveHead& out);
// Field lines up to the empty one, with its end in head_bytes.
Verdict naive_trailers(std::string_view bytes, const http::HeadLimits& limits, NaiveHead& out);

// host[:port] (R09).
bool is_authority(std::string_view text);
// In lower case.
std::string lower(std::string_view text);
// Members of a comma-separated list without quoting, trimmed, without empty ones.
std::vector<std::string> members(std::string_view list);

}  // namespace weir::fuzz
