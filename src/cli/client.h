#pragma once
// Asks the admin interface over HTTP, one question after the other, each on a connection of its
// own. Runs a loop while it waits. One thread.
#include <string>
#include <string_view>

#include "target.h"
#include "weir/base/result.h"
#include "weir/base/time.h"
#include "weir/net/loop.h"
#include "weir/wire/context.h"

namespace weir::cli {

struct Response {
  int status = 0;
  std::string reason;
  std::string content_type;
  std::string body;
};

class Client {
 public:
  // `token`: empty for none.
  Client(Target target, std::string token);
  ~Client();
  const Target& target() const { return target_; }
  bool has_token() const { return !token_.empty(); }
  // `path` with its query, encoded. The error is a sentence for stderr.
  Result<Response> ask(std::string_view method, const std::string& path);
  // Lets time pass.
  void wait(Duration duration);

 private:
  class Exchange;
  std::string head_of(std::string_view method, const std::string& path) const;
  Target target_;
  std::string token_;
  SystemClock clock_;
  net::Loop loop_;
  wire::Context context_;
};

// Everything but unreserved characters (RFC 3986 §2.3) percent-encoded.
std::string percent_encoded(std::string_view text);

}  // namespace weir::cli
