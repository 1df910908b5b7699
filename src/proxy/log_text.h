#pragma once
// What the access log wants of a request, copied because the head dies with its event.
#include <string>

#include "exchange.h"

namespace weir::proxy {

struct Exchange::LogText {
  IpAddress client;
  std::string_view scheme;
  int minor_version = 1;
  std::string method, host, path, user_agent, referer, route, pool;
};

}  // namespace weir::proxy
