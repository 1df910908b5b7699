#pragma once
// A finished request with everything in it.
#include "weir/observe/request_record.h"

namespace weir::observe::test {

inline RequestRecord proxied() {
  RequestRecord record;
  record.finished = WallTime(Duration(1795155933123456789));
  record.listener = "public";
  record.client = IpAddress::v4(0xc0000201, 4711);
  record.method = "POST";
  record.scheme = "https";
  record.host = "www.example.com";
  record.path = "/api/orders";
  record.status = 201;
  record.bytes_in = 42;
  record.bytes_out = 8192;
  record.duration = std::chrono::microseconds(1234567);
  record.connect = std::chrono::microseconds(312);
  record.response_head = std::chrono::nanoseconds(900999);
  record.route = "api";
  record.pool = "web";
  record.backend = "[::1]:9002";
  record.tries = 2;
  record.request_id = "5f0a";
  record.user_agent = "curl/8.0";
  record.referer = "https://www.example.com/";
  return record;
}

}  // namespace weir::observe::test
