#include "addresses.h"

#include <algorithm>

#include "files.h"
#include "meant.h"
#include "sections.h"
#include "values.h"

namespace weir::config {
namespace {

constexpr std::string_view kBindForms =
    "a list of addresses such as [\":8080\"], \"192.0.2.1:80\", \"[::]:80\" or \"unix:PATH\"";
constexpr std::string_view kBackendForms =
    "a list of \"IP:PORT\", \"[IPv6]:PORT\", \"unix:PATH\" or { address = \"IP:PORT\" }";

// What stands before the last colon if it could be a host name: letters, no IPv6 address.
bool is_host_name(std::string_view text) {
  if (text.starts_with("unix:")) return false;
  std::string_view host = text.substr(0, text.rfind(':'));
  bool has_letter = std::any_of(host.begin(), host.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  });
  return has_letter && host.find_first_of(":/[] %") == std::string_view::npos;
}

// Why it is none, with the forms and what was meant: `"10.0.0.1" has no port (expected …)`.
bool no_address(Scope& scope, const Node& node, const std::string& why, std::string_view forms,
                std::string_view meant) {
  return scope.wrong(node, with_toml_hint(why + " (expected " + std::string(forms) + ")", meant));
}

// The item, or the items, of a list that was forgotten around them.
std::string meant_list(const Node& node, std::string (*meant_item)(const Node&)) {
  std::string items = node.kind == Node::Kind::kString ? meant_items(node, meant_item) : "";
  return items.empty() ? meant_item(node) : items;
}

// A relative socket's path is relative to the folder of the file that says it.
Result<Endpoint> parse_endpoint(const Scope& scope, const std::string& text) {
  Result<Endpoint> endpoint = Endpoint::parse(text);
  if (!endpoint.ok() || !endpoint->is_unix()) return endpoint;
  // Once more, since the whole path has to fit into an address.
  return Endpoint::parse("unix:" + beside(scope.file, endpoint->unix_path));
}

bool read_bind_address(Scope& scope, const Node& node, BindAddress& out) {
  if (node.kind != Node::Kind::kString) {
    return scope.expected(node, kBindForms, meant_bind(node));
  }
  if (is_host_name(node.text) || node.text.find("://") < node.text.find(':') + 1) {
    bool is_unix = node.text.starts_with("unix:");
    if (!is_unix) {
      return scope.expected(node, "an IP address with its port, or a port alone: \":8080\"",
                            meant_bind(node));
    }
  }
  out.text = node.text;
  out.is_any_family = node.text.starts_with(':');
  Result<Endpoint> endpoint = parse_endpoint(scope, (out.is_any_family ? "[::]" : "") + node.text);
  if (endpoint.ok()) {
    out.endpoint = std::move(endpoint).value();
    return true;
  }
  std::string meant = meant_items(node, meant_bind);
  if (meant.empty()) meant = meant_bind(node);
  if (out.is_any_family) {
    return scope.expected(node, "a port from 0 to 65535, as in \":8080\"", meant);
  }
  return no_address(scope, node, endpoint.error().message, kBindForms, meant);
}

bool read_bind_list(Scope& scope, const Node& node, std::vector<BindAddress>& out) {
  if (!is_list(scope, node, kBindForms, meant_list(node, meant_bind))) return false;
  out.clear();
  for (const Node& item : node.items) {
    BindAddress address;
    if (read_bind_address(scope, item, address)) out.push_back(std::move(address));
  }
  return out.size() == node.items.size();
}

bool check_backend(Scope& scope, const Node& node, const Endpoint& endpoint) {
  if (endpoint.is_unix()) return true;
  if (endpoint.ip.port() == 0) {
    return scope.wrong(node, in_quotes(node.text) +
                                 " has port 0 (expected the backend's own port, from 1 to 65535)");
  }
  if (endpoint.ip.is_unspecified()) {
    scope.wrong(node, in_quotes(node.text) +
                          " is where one listens, not where one connects to (expected the "
                          "backend's own address: 127.0.0.1 on this machine)");
  }
  return true;
}

bool read_backend_address(Scope& scope, const Node& node, BackendConfig& out) {
  if (node.kind != Node::Kind::kString) return scope.expected(node, kBackendForms);
  std::string meant = meant_items(node, meant_backend);
  if (meant.empty()) meant = meant_backend(node);
  if (std::size_t scheme = node.text.find("://");
      scheme != std::string::npos && !node.text.starts_with("unix:")) {
    bool is_http = node.text.starts_with("http://");
    return no_address(scope, node, in_quotes(node.text) + " is a URL",
                      is_http ? "the address alone: weir speaks plain HTTP to backends"
                              : "the address alone: weir speaks plain HTTP to backends, and no TLS",
                      meant);
  }
  if (is_host_name(node.text)) {
    std::string cure = meant.empty() ? "expected an IP address: \"127.0.0.1:9001\""
                                     : "expected an IP address; did you mean " + meant + "?";
    scope.wrong(node, in_quotes(node.text) + ": host names are not available in this version (" +
                          cure + ")");
    if (meant.empty()) return false;
    // Kept, so that a loop is noticed before it is suggested.
    Result<Endpoint> local = Endpoint::parse(meant.substr(1, meant.size() - 2));
    if (local.ok()) out = {*local, scope.place(node)};
    return local.ok();
  }
  Result<Endpoint> endpoint = parse_endpoint(scope, node.text);
  if (!endpoint.ok()) {
    bool is_port_alone = node.text.starts_with(':') && !node.text.starts_with("::");
    std::string why =
        is_port_alone ? in_quotes(node.text) + " has no address" : endpoint.error().message;
    return no_address(scope, node, why, kBackendForms, meant);
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
  if (address == nullptr) {
    if (is_meant(node, "address", kBackendKeys)) return false;  // said already
    return scope.wrong(node, "a backend without address (address = \"IP:PORT\")");
  }
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
  bool is_block = node.kind == Node::Kind::kString && Cidr::parse(node.text).ok();
  if (!is_list(scope, node, kForms, is_block ? in_quotes(node.text) : meant_cidr(node)))
    return false;
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
      no_address(scope, item, block.error().message, kForms, meant_cidr(item));
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
  if (!is_list(scope, node, kBackendForms, meant_list(node, meant_backend))) return false;
  out.clear();
  EntryScope entry(scope.report, EntryKind::kBackend);
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
