#include "texts.h"

#include <pwd.h>

#include <algorithm>
#include <cerrno>

#include "files.h"
#include "meant.h"
#include "rows.h"
#include "suggest.h"
#include "values.h"
#include "weir/base/ascii.h"

namespace weir::config {
namespace {

constexpr std::size_t kMaxNameBytes = 64;
constexpr std::size_t kMaxLabelBytes = 200;

bool read_host(Scope& scope, const Node& node, std::string& out) {
  if (!read_string(scope, node, "a host name such as \"www.example.com\"", out)) return false;
  Result<std::string> host = parse_host_pattern(out);
  if (!host.ok()) return scope.wrong(node, host.error().message);
  out = std::move(host).value();
  return true;
}

bool read_upgrade(Scope& scope, const Node& node, std::string& out) {
  if (!read_string(scope, node, "a list of protocols: [\"websocket\"]", out)) return false;
  out = lower_case(out);
  if (!is_token(out)) return scope.expected(node, "a protocol's name such as \"websocket\"");
  if (out == "h2c") return scope.wrong(node, "\"h2c\" is never tunnelled");
  return true;
}

bool read_route_file(Scope& scope, const Node& node, std::string& out) {
  if (!read_string(scope, node, "a list of globs: [\"routes.d/*.toml\"]", out)) return false;
  if (!out.ends_with(".toml") && !out.ends_with(".map")) {
    std::string meant = out.ends_with('*') ? out + ".toml" : "";
    std::size_t dot = out.find_first_of("*?.");
    if (!out.empty() && (dot == std::string::npos || out.ends_with(".d") || out.ends_with(".d/")))
      meant = out + (out.ends_with('/') ? "*.toml" : "/*.toml");
    return scope.expected(node, "a glob that ends in .toml or .map: \"routes.d/*.toml\"",
                          meant.empty() ? "" : in_quotes(meant));
  }
  return true;
}

// Whether one string would be accepted as an item.
template <typename ReadItem>
bool is_good_item(const Node& node, ReadItem read_item) {
  Report ignored;
  Scope scope{ignored, {}, {}, nullptr, {}, {}};
  std::string text;
  return node.kind == Node::Kind::kString && read_item(scope, node, text);
}

bool may_be_user(const std::string& name) {
  passwd entry{};
  passwd* found = nullptr;
  std::vector<char> buffer(16 * 1024);
  int problem = getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
  return found != nullptr || (problem != 0 && problem != ENOENT && problem != ESRCH);
}

template <typename ReadItem>
bool read_items(Scope& scope, const Node& node, std::string_view what, ReadItem read_item,
                std::vector<std::string>& out) {
  std::string meant = is_good_item(node, read_item) ? in_quotes(node.text) : "";
  if (!is_list(scope, node, what, meant)) return false;
  out.clear();
  for (const Node& item : node.items) {
    std::string text;
    if (read_item(scope, item, text)) out.push_back(std::move(text));
  }
  return out.size() == node.items.size();
}

}  // namespace

bool Token::read(Scope& scope, const Node& node, Value& out) {
  constexpr std::string_view kForm = "1 to 64 letters, digits, \"-\", \".\" and \"_\"";
  std::string text;
  if (!read_string(scope, node, kForm, text)) return false;
  if (!is_token(text) || text.size() > kMaxNameBytes) return scope.expected(node, kForm);
  out = text;
  return true;
}

bool UserName::read(Scope& scope, const Node& node, Value& out) {
  std::string name;
  if (!read_string(scope, node, "a user's name: \"weir\"", name)) return false;
  if (std::size_t colon = name.find(':'); colon != std::string::npos) {
    return scope.wrong(node, in_quotes(name) + " names a group, too (expected the user alone: " +
                                 in_quotes(name.substr(0, colon)) + ")");
  }
  // A directory service that does not answer must not fail a reload; a start asks again.
  if (!name.empty() && !may_be_user(name)) {
    return scope.wrong(node, in_quotes(name) +
                                 " is no user of this machine (expected one that "
                                 "getent passwd knows; make it with adduser "
                                 "--system --group " +
                                 name + ")");
  }
  out = std::move(name);
  return true;
}

bool Upgrades::read(Scope& scope, const Node& node, Value& out) {
  return read_items(scope, node, "a list of protocols: [\"websocket\"]", read_upgrade, out);
}

bool RouteFiles::read(Scope& scope, const Node& node, Value& out) {
  return read_items(scope, node, "a list of globs: [\"routes.d/*.toml\"]", read_route_file, out);
}

// A file's path shows that it is one, so that a misspelt word does not become a file.
bool LogTarget::read(Scope& scope, const Node& node, Value& out) {
  using Kind = AccessTarget::Kind;
  constexpr std::string_view kWords[] = {"off", "stdout"};
  bool is_string = node.kind == Node::Kind::kString;
  if (is_string && (node.text == "off" || node.text == "stdout")) {
    out = {node.text == "off" ? Kind::kOff : Kind::kStdout, {}};
    return true;
  }
  bool is_path = is_string && node.text.find_first_of("/.") != std::string::npos &&
                 !node.text.ends_with('/') && node.text.find('\0') == std::string::npos;
  if (is_path) {
    out = {Kind::kFile, beside(scope.file, node.text)};
    return true;
  }
  bool is_boolean = node.kind == Node::Kind::kBoolean;
  std::string_view meant = suggest(is_boolean ? node.description() : node.text, kWords);
  return scope.expected(node, "\"off\", \"stdout\" or a file such as \"log/access.log\"",
                        meant.empty() ? "" : in_quotes(meant));
}
std::string LogTarget::show(const Value& value) {
  if (value.kind == AccessTarget::Kind::kFile) return in_quotes(value.path);
  return value.kind == AccessTarget::Kind::kOff ? "\"off\"" : "\"stdout\"";
}

bool HashOn::read(Scope& scope, const Node& node, Value& out) {
  constexpr std::string_view kForms = "\"client_ip\", \"path\", \"header:NAME\" or \"cookie:NAME\"";
  if (!read_string(scope, node, kForms, out)) return false;
  std::size_t colon = out.find(':');
  bool is_plain = out == "client_ip" || out == "path";
  bool is_named = (out.starts_with("header:") || out.starts_with("cookie:")) &&
                  is_token(std::string_view(out).substr(colon + 1));
  constexpr std::string_view kPlain[] = {"client_ip", "path"};
  std::string_view meant = is_plain || is_named ? "" : suggest(out, kPlain);
  return is_plain || is_named ||
         scope.expected(node, kForms, meant.empty() ? "" : in_quotes(meant));
}

bool HostHeader::read(Scope& scope, const Node& node, Value& out) {
  std::string text;
  if (!read_string(scope, node, "a host name such as \"www.example.com\"", text)) return false;
  if (text.empty()) {
    out.clear();
    return true;
  }
  Result<std::string> host = parse_host_header(text);
  if (!host.ok()) return scope.wrong(node, host.error().message);
  out = std::move(host).value();
  return true;
}

bool Label::read(Scope& scope, const Node& node, Value& out) {
  if (!read_string(scope, node, "a string", out)) return false;
  bool has_control = std::any_of(out.begin(), out.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
  if (!has_control && out.size() <= kMaxLabelBytes) return true;
  return scope.expected(node, "one line of at most 200 bytes");
}

bool RouteHosts::read(Scope& scope, const Node& node, Value& out) {
  constexpr std::string_view kForm = "a list of host names: [\"www.example.com\"]";
  if (!read_items(scope, node, kForm, read_host, out)) return false;
  for (std::size_t i = 0; i < out.size(); ++i) {
    auto first = std::find(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(i), out[i]);
    std::size_t earlier = static_cast<std::size_t>(first - out.begin());
    if (earlier == i) continue;
    scope.wrong(node.items[i], in_quotes(out[i]) + " stands here twice, first at " +
                                   scope.place(node.items[earlier]).text() + " (delete one)");
    out.resize(i);  // the rest is checked when this is mended
    return false;
  }
  return !out.empty() ||
         scope.wrong(node, "is empty (expected a host name, or \"*\" for every host)");
}

bool RouteHost::read(Scope& scope, const Node& node, Value& out) {
  if (node.kind == Node::Kind::kList) {
    return scope.expected(node, "one host name; hosts = […] takes several");
  }
  std::string host;
  if (!read_host(scope, node, host)) return false;
  out = {std::move(host)};
  return true;
}

bool RoutePath::read(Scope& scope, const Node& node, Value& out) {
  std::string text;
  if (!read_string(scope, node, "a path such as \"/api\"", text)) return false;
  if (text.empty()) {
    out.clear();
    return true;
  }
  Result<std::string> path = parse_path(text);
  if (!path.ok()) return scope.wrong(node, path.error().message);
  out = std::move(path).value();
  return true;
}

constexpr Choice<bool> kSchemes[] = {{"http", false}, {"https", true}};

bool RouteScheme::read(Scope& scope, const Node& node, Value& out) {
  bool is_secure = false;
  if (!OneOf<kSchemes>::read(scope, node, is_secure)) return false;
  out = is_secure ? "https" : "http";
  return true;
}

}  // namespace weir::config
