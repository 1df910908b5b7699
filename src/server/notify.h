#pragma once
// Tells the service manager about the process (sd_notify(3)): one datagram to $NOTIFY_SOCKET,
// nothing where that is not set.
#include <string_view>

namespace weir::server {

// `state`: "READY=1\nSTATUS=…" and the like.
void notify_service_manager(std::string_view state);

}  // namespace weir::server
