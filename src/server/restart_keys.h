#pragma once
// What a reload cannot apply. Pure.
#include <string>
#include <vector>

#include "weir/admin/admin_source.h"
#include "weir/config/config.h"

namespace weir::server {

// Each key of `next` that takes effect at the next start only, with both values. `now`: what the
// process started with.
std::vector<admin::RestartKey> keys_for_restart(const config::Config& now,
                                                const config::Config& next);

}  // namespace weir::server
