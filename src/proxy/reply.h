#pragma once
// Answers of weir's own for failures: page, Proxy-Status (RFC 9209), request id, Retry-After.
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/failure.h"
#include "weir/http/forward.h"

namespace weir::proxy {

// Owns the text that `response` points into; does not move once filled.
class FailurePage {
 public:
  // `detail`: a constant sentence, may be empty; never an address. `request_id` may be empty.
  FailurePage(Failure failure, std::string_view detail, std::string_view server_name,
              std::string_view request_id);
  FailurePage(const FailurePage&) = delete;
  FailurePage& operator=(const FailurePage&) = delete;
  const http::LocalResponse& response() const { return response_; }

 private:
  std::string proxy_status_;
  std::string body_;
  std::vector<http::LocalField> fields_;
  http::LocalResponse response_;
};

// A fresh request id: 32 hexadecimal digits into `out32`.
void format_request_id(std::uint64_t high, std::uint64_t low, char* out32);

}  // namespace weir::proxy
