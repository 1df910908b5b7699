#pragma once
// Field lines to Fields: llhttp reads the names, the guards have judged all else. What
// Content-Length, Transfer-Encoding, Connection and Upgrade mean is decided in framing.h from the
// collected fields.
#include <string_view>

#include "guards.h"
#include "weir/http/fields.h"

namespace weir::http {

// `bytes` from `begin` on are the section that find_fields_end() found: whole lines and the empty
// one; `ends` is what it wrote down. Adds to `out`.
Refusal parse_fields(std::string_view bytes, std::size_t begin, const LineEnds& ends, Fields& out);

}  // namespace weir::http
