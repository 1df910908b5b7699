#pragma once
// Who listens on an address already, as /proc tells: for the message of a start that failed.
#include <string>

#include "weir/base/address.h"

namespace weir::server {

// "nginx, pid 812"; "" when the kernel does not tell (another user's process, a Unix socket).
std::string port_holder(const Endpoint& at);

// What to say of a bind that failed: `error` is net's, the holder comes with it when the address is
// in use.
std::string cannot_listen(const std::string& owner, const Endpoint& at, const std::string& error);

}  // namespace weir::server
