#pragma once
// What stands behind the '?' of a page's address, and the decoding of paths. Pure.
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "weir/admin/admin_source.h"

namespace weir::admin {

// Nothing when a '%' is not followed by two hexadecimal digits, or stands for a zero byte.
std::optional<std::string> percent_decoded(std::string_view text);

// The value of a parameter ("" also for one without '='); nothing when it is not there or cannot be
// decoded. The first of several.
std::optional<std::string> parameter(std::string_view query, std::string_view name);

// Whether it is there at all.
bool is_given(std::string_view query, std::string_view name);

// A count from 1 to `most`; `missing` when the parameter is not there.
Result<std::size_t, Refusal> count_parameter(std::string_view query, std::string_view name,
                                             std::size_t missing, std::size_t most);

}  // namespace weir::admin
