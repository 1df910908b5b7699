#pragma once
// How an administrator names backends: by address with port, or a machine's by its address alone.
#include <optional>
#include <string_view>

#include "weir/backend/pool.h"

namespace weir::backend {

class BackendMatch {
 public:
  // "10.0.0.6:9004", "[::1]:9002", "unix:PATH"; "10.0.0.6", "::1" or "[::1]" for every port.
  // nullopt: none of these.
  static std::optional<BackendMatch> parse(std::string_view text);
  bool matches(const Endpoint& endpoint) const;
  // Whether everything that `other` matches is matched here, too.
  bool covers(const BackendMatch& other) const;

 private:
  Endpoint endpoint_;  // port 0: every port
};

}  // namespace weir::backend
