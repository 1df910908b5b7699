#pragma once
// Codecs of addresses: what listeners bind, whom they trust, what backends are.
#include <string>
#include <vector>

#include "codecs.h"
#include "weir/config/config.h"

namespace weir::config {

struct BindList {
  using Value = std::vector<BindAddress>;
  static bool read(Scope& scope, const Node& node, Value& out);
  static std::string show(const Value& value);
};
// The same, and none at all.
struct OptionalBindList {
  using Value = std::vector<BindAddress>;
  static bool read(Scope& scope, const Node& node, Value& out);
  static std::string show(const Value& value) { return BindList::show(value); }
};
struct CidrList {
  using Value = std::vector<Cidr>;
  static bool read(Scope& scope, const Node& node, Value& out);
  static std::string show(const Value& value);
};
struct BackendList {
  using Value = std::vector<BackendConfig>;
  static bool read(Scope& scope, const Node& node, Value& out);
  static std::string show(const Value& value);
};

// The default of [admin] bind.
std::vector<BindAddress> default_admin_bind();

}  // namespace weir::config
