#pragma once
// What a reload cannot apply. Pure.
#include <string>
#include <vector>

#include "weir/config/config.h"

namespace weir::server {

// Each key of `next` that takes effect at the next start only, with both values:
// "[listener.public] bind was [\":80\"], is [\":81\"]". `now`: what the process started with.
std::vector<std::string> keys_for_restart(const config::Config& now, const config::Config& next);

}  // namespace weir::server
