#pragma once
// The JSON of the admin interface. nlohmann's header stays in the .cc files: it costs three seconds
// a translation unit. Text that is not UTF-8 comes out with replacement characters.
#include <string>
#include <string_view>

#include "weir/admin/admin_source.h"

namespace weir::admin {

// Each ends in a newline.
std::string error_json(std::string_view code, std::string_view message);
std::string status_json(ServiceState state, const Status& status);
// Backends without their last checks; those are in a pool's own page.
std::string pools_json(const std::vector<backend::PoolView>& pools);
std::string pool_json(const backend::PoolView& pool);
std::string pool_settings_json(const PoolSettingsView& view);
std::string routes_json(const RoutesView& view);
std::string requests_json(const RequestsView& view);
std::string reload_json(const ReloadReport& report);
std::string service_json(ServiceState state);
std::string set_json(backend::AdminState state, const SetReport& report);

}  // namespace weir::admin
