#pragma once
// Whether a backend is weir itself: requests sent there would come back. Pure, so of the machine's
// own addresses it knows only the loopback ones.
#include "weir/base/address.h"
#include "weir/config/config.h"

namespace weir::table {

// The listener that a connection to `backend` would reach, or null.
const config::ListenerConfig* find_own_listener(
    const std::vector<config::ListenerConfig>& listeners, const Endpoint& backend);

}  // namespace weir::table
