#pragma once
// Field lines to Fields by llhttp, whose opinions on framing are switched off: what Content-Length,
// Transfer-Encoding, Connection and Upgrade mean is decided in framing.h from the collected fields.
#include <string_view>

#include "guards.h"
#include "weir/http/fields.h"

namespace weir::http {

// `section` is what find_fields_end() found: whole lines and the empty one. Adds to `out`.
Refusal parse_fields(std::string_view section, Fields& out);

}  // namespace weir::http
