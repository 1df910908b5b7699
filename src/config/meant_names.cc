// Addresses, hosts and paths that were meant.
#include <algorithm>
#include <optional>
#include <vector>

#include "meant.h"
#include "values.h"
#include "weir/base/address.h"
#include "weir/base/ascii.h"

namespace weir::config {
namespace {

using Kind = Node::Kind;

// What is left of a URL or of another proxy's line: an address with or without port.
std::string bare_address(std::string_view text) {
  std::string out(text.substr(0, text.find_first_of(" \t;,")));
  std::size_t scheme = out.find("://");
  if (scheme != std::string::npos) out.erase(0, scheme + 3);
  if (out.starts_with("tcp4@") || out.starts_with("ipv4@")) out.erase(0, 5);
  if (out.starts_with("ipv6@") || out.starts_with("tcp6@")) out.erase(0, 5);
  std::size_t slash = out.starts_with('/') || out.starts_with("unix:") ? out.npos : out.find('/');
  if (slash == std::string::npos) return out;
  bool is_more = scheme != std::string::npos || out.ends_with("/tcp");
  return is_more ? out.substr(0, slash) : std::string();  // not 10.0.0.0/24
}

bool is_unspecified_v6(std::string_view text) { return text == "::" || text == "[::]"; }

std::optional<Endpoint> parsed(std::string_view text) {
  Result<Endpoint> endpoint = Endpoint::parse(text);
  if (!endpoint.ok()) return std::nullopt;
  return *endpoint;
}

bool is_port(std::string_view text) {
  return is_digits(text) && parsed("[::]:" + std::string(text));
}

// With brackets around an IPv6 address and with a port.
std::string with_port(std::string_view address, std::string_view port) {
  std::string text(address);
  std::size_t colon = text.rfind(':');
  bool has_port = colon != std::string::npos && is_port(text.substr(colon + 1));
  Result<IpAddress> before = IpAddress::parse(text.substr(0, colon));
  if (has_port && before.ok() && before->is_v6() && !text.starts_with('['))  // "::1:80"
    return "[" + text.substr(0, colon) + "]" + text.substr(colon);
  Result<IpAddress> ip = IpAddress::parse(text);
  if (!ip.ok()) return {};
  bool needs_brackets = ip->is_v6() && !text.starts_with('[');
  return (needs_brackets ? "[" + text + "]" : text) + ":" + std::string(port);
}

std::string_view default_port(std::string_view text) {
  return text.find("https://") != std::string_view::npos ? "443" : "80";
}

// The first of `candidates` that can be bound.
std::string first_bindable(const std::vector<std::string>& candidates) {
  for (const std::string& candidate : candidates) {
    bool is_any = candidate.starts_with(':') && is_digits(std::string_view(candidate).substr(1));
    if (parsed(is_any ? "[::]" + candidate : candidate)) return in_quotes(candidate);
  }
  return {};
}

}  // namespace

std::string meant_bind(const Node& node) {
  if (node.kind == Kind::kInteger) {
    std::string port = std::to_string(node.integer);
    return is_port(port) ? in_quotes(":" + port) : "";
  }
  if (node.is_table()) {
    const Node* address = node.find("address");
    return address == nullptr ? "" : meant_bind(*address);
  }
  if (node.kind != Kind::kString) return {};
  std::string text = bare_address(node.text);
  if (text.empty()) return {};
  std::string port(default_port(node.text));
  if (text.starts_with("unix:")) return first_bindable({text});
  if (is_digits(text)) return first_bindable({":" + text});
  if (text.starts_with('/')) return first_bindable({"unix:" + text});
  if (text == "*") return first_bindable({":" + port});
  if (is_unspecified_v6(text)) return first_bindable({"[::]:" + port});
  if (text.starts_with("*:")) return first_bindable({text.substr(1)});
  bool is_localhost = text == "localhost" || text.starts_with("localhost:");
  if (is_localhost) return first_bindable({"127.0.0.1" + text.substr(9), "127.0.0.1:" + port});
  std::size_t colon = text.rfind(':');
  bool has_port = colon != std::string::npos && is_port(text.substr(colon + 1));
  std::string any = has_port ? text.substr(colon) : ":" + port;
  bool is_name = std::any_of(text.begin(), text.end(), [](char c) { return c >= 'g' && c <= 'z'; });
  if (is_name && text.find(':') == std::string::npos && node.text.find("://") == std::string::npos)
    return {};
  return first_bindable({with_port(text, port), text, is_name ? any : ""});
}

std::string meant_backend(const Node& node) {
  if (node.kind != Kind::kString) return {};
  std::string text = bare_address(node.text);
  // "server web1 10.0.0.1:80 check": the first word that is an address.
  for (std::size_t begin = 0;
       begin < node.text.size() && node.text.find(' ') != std::string::npos;) {
    std::size_t end = std::min(node.text.find(' ', begin), node.text.size());
    std::string word = node.text.substr(begin, end - begin);
    if (parsed(word)) text = word;
    begin = end + 1;
  }
  std::string port(default_port(node.text));
  bool is_localhost = text == "localhost" || text.starts_with("localhost:");
  if (is_localhost) text.replace(0, 9, "127.0.0.1");
  if (text.starts_with(':') && is_port(text.substr(1))) text.insert(0, "127.0.0.1");
  if (text.starts_with('/')) text.insert(0, "unix:");
  for (const std::string& candidate : {with_port(text, port), text}) {
    std::optional<Endpoint> endpoint = parsed(candidate);
    if (!endpoint) continue;
    bool is_reachable =
        endpoint->is_unix() || (endpoint->ip.port() != 0 && !endpoint->ip.is_unspecified());
    if (is_reachable) return in_quotes(candidate);
  }
  return {};
}

std::string meant_items(const Node& node, std::string (*meant_item)(const Node&)) {
  std::string all;
  std::size_t count = 0;
  for (std::size_t begin = node.text.find_first_not_of(" ,;"); begin != std::string::npos;
       ++count) {
    std::size_t end = std::min(node.text.find_first_of(" ,;", begin), node.text.size());
    Node part = node;
    part.text = node.text.substr(begin, end - begin);
    std::string item = parsed(part.text) ? in_quotes(part.text) : meant_item(part);
    if (item.empty()) return {};
    all += (all.empty() ? "" : ", ") + item;
    begin = node.text.find_first_not_of(" ,;", end);
  }
  return count > 1 ? all : std::string();
}

std::string meant_cidr(const Node& node) {
  std::string text = lower_case(node.text);
  if (text == "localhost" || text == "loopback") return "\"127.0.0.0/8\"";
  if (text == "*" || text == "all" || text == "any" || text == "0/0")
    return "\"0.0.0.0/0\", \"::/0\"";
  // 10.0.0.* and 10.*.*.*
  std::size_t star = text.find(".*");
  if (star != std::string::npos && text.find_first_not_of(".*", star) == std::string::npos) {
    auto octets = static_cast<std::size_t>(std::count(
                      text.begin(), text.begin() + static_cast<std::ptrdiff_t>(star), '.')) +
                  1;
    std::string block = text.substr(0, star);
    for (std::size_t i = octets; i < 4; ++i) block += ".0";
    block += "/" + std::to_string(octets * 8);
    return Cidr::parse(block).ok() ? in_quotes(block) : std::string();
  }
  // 10.0.0.0/255.0.0.0
  std::size_t slash = text.find('/');
  if (slash == std::string::npos) return {};
  Result<IpAddress> mask = IpAddress::parse(text.substr(slash + 1));
  if (!mask.ok() || mask->is_v6()) return {};
  std::uint32_t bits = 0;
  for (std::size_t i = 0; i < 4; ++i) bits = bits << 8 | mask->bytes()[i];
  std::uint32_t inverse = ~bits;
  if ((inverse & (inverse + 1)) != 0) return {};
  std::string block = text.substr(0, slash) + "/" + std::to_string(__builtin_popcount(bits));
  return Cidr::parse(block).ok() ? in_quotes(block) : std::string();
}

namespace {

// The text between the back-quotes of Host(`a.example`).
std::string_view inner_text(std::string_view text) {
  std::size_t begin = text.find('`');
  std::size_t end = text.rfind('`');
  return begin < end && end != std::string_view::npos ? text.substr(begin + 1, end - begin - 1)
                                                      : text;
}

bool is_host(std::string_view text) { return read_host_pattern(text).ok(); }

}  // namespace

std::string meant_host(std::string_view text) {
  std::string host(inner_text(text));
  if (host == "_" || host == "**" || host == "*.*" || host.empty()) return "*";
  if (std::size_t scheme = host.find("://"); scheme != std::string::npos) host.erase(0, scheme + 3);
  host = host.substr(0, host.find_first_of("/?#"));
  if (std::size_t user = host.find('@'); user != std::string::npos) host.erase(0, user + 1);
  Result<IpAddress> v6 = IpAddress::parse(host);
  if (v6.ok() && v6->is_v6() && !host.starts_with('[')) return "[" + host + "]";
  std::size_t colon = host.rfind(':');
  if (colon != std::string::npos && is_digits(std::string_view(host).substr(colon + 1)))
    host.erase(colon);
  // *example.com, .*.example.com, *.*.example.com
  std::size_t name = host.find_first_not_of("*.");
  bool has_wild_front = name != std::string::npos && name > 0 && host.find('*') < name;
  if (!is_host(host) && has_wild_front && host.find('*', name) == std::string::npos)
    host = (name > 2 ? "." : "*.") + host.substr(name);
  if (!is_host(host)) host = to_punycode(host);
  return is_host(host) && host != text ? host : std::string();
}

std::string meant_path(std::string_view text) {
  std::string path(inner_text(text));
  if (std::size_t scheme = path.find("://"); scheme != std::string::npos) {
    std::size_t slash = path.find('/', scheme + 3);
    path = slash == std::string::npos ? "/" : path.substr(slash);
  }
  // nginx's "= /a", "^~ /a", "~ ^/a"
  std::size_t begin = path.find_first_not_of("=~^ ");
  path.erase(0, std::min(begin, path.size()));
  path = path.substr(0, path.find_first_of("?#"));
  if (path.ends_with('$')) path.pop_back();
  if (path.ends_with(".*")) path.resize(path.size() - 2);
  while (path.ends_with('*')) path.pop_back();
  if (path.size() > 1 && path.ends_with('/')) path.pop_back();
  if (path.empty()) path = "/";
  if (path.find_first_of("\\()[]{}|^") != std::string::npos) return {};
  if (path[0] != '/') path.insert(path.begin(), '/');
  std::string encoded;
  for (char c : path) {
    if (c > ' ' && c < 0x7f) {
      encoded += c;
      continue;
    }
    constexpr std::string_view kHex = "0123456789ABCDEF";
    auto byte = static_cast<unsigned char>(c);
    encoded.append({'%', kHex[byte >> 4], kHex[byte & 15]});
  }
  return read_path(encoded).ok() && encoded != text ? encoded : std::string();
}

}  // namespace weir::config
