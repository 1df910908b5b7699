#pragma once
// Trailers that Connection names end at weir like the fields of a head (R13, R17, R26; RFC 9110
// §7.6.1). The head is gone when they come, so its names are kept: only where it has any. Pure.
#include <string>
#include <string_view>

#include "weir/http/fields.h"

namespace weir::proxy {

// All lists of the Connection fields, as one.
std::string connection_list(const http::Fields& fields);

// `trailers` but for the names in `list`; itself when the list is empty. `kept` holds the result.
const http::Fields& without_named(const http::Fields& trailers, std::string_view list,
                                  http::Fields& kept);

}  // namespace weir::proxy
