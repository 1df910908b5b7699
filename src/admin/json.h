#pragma once
// The JSON of the admin interface. The only file with nlohmann's header is json.cc: it costs three
// seconds a translation unit. Text that is not UTF-8 comes out with replacement characters.
#include <string>
#include <string_view>

#include "weir/admin/admin_source.h"

namespace weir::admin {

// Each ends in a newline.
std::string error_json(std::string_view code, std::string_view message);
std::string status_json(ServiceState state, const Status& status);

}  // namespace weir::admin
