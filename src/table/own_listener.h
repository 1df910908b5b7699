#pragma once
// Whether a backend is weir itself: requests sent there would come back. Pure, so of the machine's
// own addresses it knows only the loopback ones.
#include <optional>
#include <string>

#include "weir/base/address.h"
#include "weir/config/config.h"

namespace weir::table {

// What a connection to `backend` would reach of weir: a listener's name, "admin" for the admin
// interface (which must not be published by a route), or nothing.
std::optional<std::string> find_own_listener(const config::Config& config, const Endpoint& backend);

// Why `backend` can be no backend of this configuration, or "".
std::string problem_of_backend(const config::Config& config, const Endpoint& backend);

}  // namespace weir::table
