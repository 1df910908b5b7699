#pragma once
// Where the admin interface is: --admin http://HOST:PORT or unix:PATH.
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/address.h"
#include "weir/base/result.h"

namespace weir::cli {

struct Target {
  std::string text;                 // as given, for messages
  std::string host;                 // of the Host field
  std::vector<Endpoint> endpoints;  // to be tried in turn
};

// A name is looked up, which may take its time.
Result<Target> parse_target(const std::string& text);

// The token of a file: the first line that is no comment, alone or as NAME:TOKEN.
Result<std::string> read_token(const std::string& path);

}  // namespace weir::cli
