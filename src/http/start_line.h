#pragma once
// Request and status lines, and authorities, parsed by weir itself (R05 to R11, R21). Pure.
#include <string_view>

#include "guards.h"
#include "weir/http/message.h"

namespace weir::http {

// `line` is without its end and holds no control bytes but HTAB. Fills what the line decides:
// method, target and its parts, version, and for the absolute form scheme and authority.
Refusal parse_request_line(std::string_view line, RequestHead& out);
// Fills status, reason and version.
Refusal parse_status_line(std::string_view line, ResponseHead& out);

// host[:port] into `out.host` (lower case, without port and trailing dot). False: it is none (R09).
bool parse_authority(std::string_view authority, RequestHead& out);

}  // namespace weir::http
