#include "addresses.h"

#include <algorithm>

#include "files.h"
#include "sections.h"
#include "values.h"

namespace weir::config {
namespace {

constexpr std::string_view kBindForms =
    "a list of addresses such as [\":8080\"], \"192.0.2.1:80\", \"[::]:80\" or \"unix:PATH\"";
constexpr std::string_view kBackendForms =
    "a list of \"IP:PORT\", \"[IPv6]:PORT\", \"unix:PATH\" or { address = \"IP:PORT\" }";

bool is_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// What stands before the last colon if it could be a host name: letters, no IPv6 address.
bool is_host_name(std::string_view text) {
  if (text.starts_with("unix:")) return false;
  std::string_view host = text.substr(0, text.rfind(':'));
  bool has_letter = std::any_of(host.begin(), host.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  });
  return has_letter && host.find_first_of(":/[]") == std::string_view::npos;
}

// A relative socket's path is relative to the folder of the file that says it.
Result<Endpoint> parse_endpoint(const Scope& scope, const std::string& text) {
  Result<Endpoint> endpoint = Endpoint::parse(text);
  if (!endpoint.ok() || !endpoint->is_unix()) return endpoint;
  // Once more, since the whole path has to fit into an address.
  return Endpoint::parse("unix:" + beside(scope.file, endpoint->unix_path));
}

bool read_bind_address(Scope& scope, const Node& node, BindAddress& out) {
  bool is_port = node.kind == Node::Kind::kString && is_digits(node.text);
  if (node.kind == Node::Kind::kInteger || is_port) {
    std::string port = is_port ? node.text : std::to_string(node.integer);
    return scope.expected(node, kBindForms, in_quotes(":" + port));
  }
  if (node.kind != Node::Kind::kString) return scope.expected(node, kBindForms);
  if (node.text.starts_with("*:"))
    return scope.expected(node, kBindForms, in_quotes(node.text.substr(1)));
  if (is_host_name(node.text)) {
    std::string port = node.text.substr(std::min(node.text.rfind(':'), node.text.size()));
    bool is_localhost = node.text.starts_with("localhost");
    return scope.expected(node, "an IP address with its port",
                          is_localhost ? in_quotes("127.0.0.1" + port) : "");
  }
  out.text = node.text;
  out.is_any_family = node.text.starts_with(':');
  Result<Endpoint> endpoint = parse_endpoint(scope, (out.is_any_family ? "[::]" : "") + node.text);
  if (!endpoint.ok()) {
    if (out.is_any_family) return scope.expected(node, "a port from 0 to 65535, as in \":8080\"");
    return scope.wrong(node,
                       endpoint.error().message + " (expected " + std::string(kBindForms) + ")");
  }
  out.endpoint = std::move(endpoint).value();
  return true;
}

bool read_bind_list(Scope& scope, const Node& node, std::vector<BindAddress>& out) {
  if (node.kind == Node::Kind::kInteger) {
    return scope.expected(node, kBindForms, "[\":" + std::to_string(node.integer) + "\"]");
  }
  if (node.kind == Node::Kind::kString && is_digits(node.text)) {
    return scope.expected(node, kBindForms, "[\":" + node.text + "\"]");
  }
  if (!is_list(scope, node, kBindForms)) return false;
  out.clear();
  for (const Node& item : node.items) {
    BindAddress address;
    if (read_bind_address(scope, item, address)) out.push_back(std::move(address));
  }
  return out.size() == node.items.size();
}

bool check_backend(Scope& scope, const Node& node, const Endpoint& endpoint) {
  if (endpoint.is_unix()) return true;
  if (endpoint.ip.port() == 0) return scope.wrong(node, in_quotes(node.text) + " has port 0");
  if (endpoint.ip.is_unspecified()) {
    return scope.wrong(node, in_quotes(node.text) + " is no address to connect to");
  }
  return true;
}

bool read_backend_address(Scope& scope, const Node& node, BackendConfig& out) {
  if (node.kind != Node::Kind::kString) return scope.expected(node, kBackendForms);
  std::size_t scheme = node.text.find("://");
  if (scheme != std::string::npos) {
    return scope.expected(node, kBackendForms, in_quotes(node.text.substr(scheme + 3)));
  }
  if (is_host_name(node.text)) {
    return scope.wrong(node, in_quotes(node.text) +
                                 ": host names are not available in this version "
                                 "(use an IP address: \"127.0.0.1:9001\")");
  }
  Result<Endpoint> endpoint = parse_endpoint(scope, node.text);
  if (!endpoint.ok()) {
    return scope.wrong(node,
                       endpoint.error().message + " (expected " + std::string(kBackendForms) + ")");
  }
  out.endpoint = std::move(endpoint).value();
  out.place = scope.place(node);
  return check_backend(scope, node, out.endpoint);
}

// { address = "…", weight = 1, backup = false }
bool read_backend_table(Scope& scope, const Node& node, BackendConfig& out) {
  const Node* address = node.find("address");
  BackendTable table;
  read_nested<BackendTable>(scope, node, kBackendKeys, table);
  if (address == nullptr)
    return scope.wrong(node, "a backend without address (address = \"IP:PORT\")");
  std::string key = scope.key;
  scope.key += ".address";
  bool is_good = read_backend_address(scope, *address, out);
  out.weight = table.weight;
  out.is_backup = table.backup;
  scope.key = key;
  return is_good;
}

}  // namespace

bool BindList::read(Scope& scope, const Node& node, Value& out) {
  if (!read_bind_list(scope, node, out)) return false;
  return !out.empty() || scope.wrong(node, "is empty (expected an address: [\":8080\"])");
}

std::string BindList::show(const Value& value) {
  std::vector<std::string> items;
  for (const BindAddress& address : value) {
    bool is_unix = address.endpoint.is_unix();  // its path in effect, not as written
    items.push_back(in_quotes(is_unix ? address.endpoint.text() : address.text));
  }
  return list_text(items);
}

bool OptionalBindList::read(Scope& scope, const Node& node, Value& out) {
  return read_bind_list(scope, node, out);
}

bool CidrList::read(Scope& scope, const Node& node, Value& out) {
  constexpr std::string_view kForms = "a list of address blocks such as [\"10.0.0.0/8\", \"::1\"]";
  if (!is_list(scope, node, kForms)) return false;
  out.clear();
  for (const Node& item : node.items) {
    if (item.kind != Node::Kind::kString) {
      scope.expected(item, kForms);
      continue;
    }
    Result<Cidr> block = Cidr::parse(item.text);
    if (block.ok()) {
      out.push_back(*block);
    } else {
      scope.wrong(item, block.error().message + " (expected " + std::string(kForms) + ")");
    }
  }
  return true;
}

std::string CidrList::show(const Value& value) {
  std::vector<std::string> items;
  for (const Cidr& block : value) items.push_back(in_quotes(block.text()));
  return list_text(items);
}

bool BackendList::read(Scope& scope, const Node& node, Value& out) {
  if (!is_list(scope, node, kBackendForms)) return false;
  out.clear();
  for (const Node& item : node.items) {
    BackendConfig backend;
    bool is_good = item.is_table() ? read_backend_table(scope, item, backend)
                                   : read_backend_address(scope, item, backend);
    if (!is_good) continue;
    auto same = std::find_if(out.begin(), out.end(), [&](const BackendConfig& other) {
      return other.endpoint == backend.endpoint;
    });
    if (same == out.end()) {
      out.push_back(std::move(backend));
    } else {
      scope.wrong(item,
                  backend.endpoint.text() + " stands here twice, first at " + same->place.text());
    }
  }
  return true;
}

std::string BackendList::show(const Value& value) {
  std::vector<std::string> items;
  for (const BackendConfig& backend : value) {
    std::string text = in_quotes(backend.endpoint.text());
    if (backend.weight != 1 || backend.is_backup) {
      text = "{ address = " + text;
      if (backend.weight != 1) text += ", weight = " + std::to_string(backend.weight);
      if (backend.is_backup) text += ", backup = true";
      text += " }";
    }
    items.push_back(std::move(text));
  }
  return list_text(items);
}

std::vector<BindAddress> default_admin_bind() {
  std::vector<BindAddress> all;
  for (const char* text : {"127.0.0.1:8042", "[::1]:8042"}) {
    Result<Endpoint> endpoint = Endpoint::parse(text);
    if (endpoint.ok()) all.push_back({*endpoint, false, text});
  }
  return all;
}

}  // namespace weir::config
