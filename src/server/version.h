#pragma once
// One configuration with the table that was built of it.
#include "control.h"

namespace weir::server {

struct Control::Version {
  config::Loaded loaded;
  std::vector<config::Diagnostic> errors;
  table::Builder::Built built;
  std::shared_ptr<const proxy::Settings> settings;
};

}  // namespace weir::server
