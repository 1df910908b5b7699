#pragma once
// The addresses of a host name by the system's resolver. Waits for it: for commands that a person
// runs, never on a loop that serves.
#include <cstdint>
#include <string>
#include <vector>

#include "weir/base/address.h"

namespace weir::net {

// In the system's order of preference; empty when there are none.
std::vector<IpAddress> look_up_host(const std::string& name, std::uint16_t port);

}  // namespace weir::net
