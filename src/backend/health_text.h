#pragma once
// Texts of health checks: what statuses they accept, what people read of their results.
#include <string_view>

namespace weir::backend {

// Whether `status` is in a list of ranges that the configuration has checked: "200-299,404".
bool is_status_in(std::string_view ranges, int status);

}  // namespace weir::backend
