#pragma once
// Answers of weir's own for failures: page, Proxy-Status (RFC 9209), request id, Retry-After. The
// page is text, HTML or JSON, whatever the client wants most: an administrator's own where there is
// one of that form, else weir's. Nothing of it is the client's but a trusted proxy's request id.
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/failure.h"
#include "weir/http/accept.h"
#include "weir/http/forward.h"
#include "weir/proxy/pages.h"

namespace weir::proxy {

// What there is to say, and to whom.
struct FailureCase {
  Failure failure = Failure::internal;
  std::string_view detail{};  // a constant sentence, may be empty; never an address
  std::string_view server_name{};
  std::string_view request_id{};
  http::Acceptance wanted{};
  const Pages* pages = nullptr;  // one's own; may be null
  std::string_view host{};       // as far as it is known
};

// Owns the text that `response` points into; does not move once filled.
class FailurePage {
 public:
  explicit FailurePage(const FailureCase& what);
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
