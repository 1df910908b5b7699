#pragma once
// Codecs of strings with a form of their own.
#include <optional>
#include <string>
#include <vector>

#include "codecs.h"
#include "weir/config/config.h"

namespace weir::config {

// What stands in Via and Proxy-Status.
struct Token {
  using Value = std::string;
  static bool read(Scope& scope, const Node& node, Value& out);
  static std::string show(const Value& value) { return in_quotes(value); }
};
// A user of this machine, or "".
struct UserName {
  using Value = std::string;
  static bool read(Scope& scope, const Node& node, Value& out);
  static std::string show(const Value& value) { return in_quotes(value); }
};
struct Upgrades {
  using Value = std::vector<std::string>;
  static bool read(Scope& scope, const Node& node, Value& out);
  static std::string show(const Value& value) { return TextList::show(value); }
};
struct RouteFiles {
  using Value = std::vector<std::string>;
  static bool read(Scope& scope, const Node& node, Value& out);
  static std::string show(const Value& value) { return TextList::show(value); }
};
// A file; a relative path is relative to the folder of the file that says it. "" = none.
struct FilePath {
  using Value = std::string;
  static bool read(Scope& scope, const Node& node, Value& out);
  static std::string show(const Value& value) { return in_quotes(value); }
};
struct FolderPath : FilePath {
  static bool read(Scope& scope, const Node& node, Value& out);
};
struct HostNames {
  using Value = std::vector<std::string>;
  static bool read(Scope& scope, const Node& node, Value& out);
  static std::string show(const Value& value) { return TextList::show(value); }
};
// "off", "stdout", or a file's path.
struct LogTarget {
  using Value = AccessTarget;
  static bool read(Scope& scope, const Node& node, Value& out);
  static std::string show(const Value& value);
};
struct HashOn {
  using Value = std::string;
  static bool read(Scope& scope, const Node& node, Value& out);
  static std::string show(const Value& value) { return in_quotes(value); }
};
struct HostHeader {
  using Value = std::string;
  static bool read(Scope& scope, const Node& node, Value& out);
  static std::string show(const Value& value) { return in_quotes(value); }
};

// A route's name: any line of text.
struct Label {
  using Value = std::string;
  static bool read(Scope& scope, const Node& node, Value& out);
  static std::string show(const Value& value) { return in_quotes(value); }
};
struct RouteHosts {
  using Value = std::vector<std::string>;
  static bool read(Scope& scope, const Node& node, Value& out);
  static std::string show(const Value& value) { return TextList::show(value); }
};
struct RouteHost {
  using Value = std::vector<std::string>;
  static bool read(Scope& scope, const Node& node, Value& out);
  static std::string show(const Value& value) { return value.empty() ? "" : in_quotes(value[0]); }
};
struct RoutePath {
  using Value = std::string;
  static bool read(Scope& scope, const Node& node, Value& out);
  static std::string show(const Value& value) { return in_quotes(value); }
};
struct RouteScheme {
  using Value = std::optional<std::string>;
  static bool read(Scope& scope, const Node& node, Value& out);
  static std::string show(const Value& value) { return value ? in_quotes(*value) : ""; }
};

// Read elsewhere.
struct AnyValue {
  using Value = std::string;
  static bool read(Scope&, const Node&, Value&) { return true; }
  static std::string show(const Value&) { return {}; }
};

}  // namespace weir::config
