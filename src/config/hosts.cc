#include <algorithm>
#include <charconv>

#include "meant.h"
#include "tree.h"
#include "values.h"
#include "weir/base/address.h"
#include "weir/base/ascii.h"

namespace weir::config {
namespace {

constexpr std::size_t kMaxNameBytes = 253;  // RFC 1035 §2.3.4, without the root's dot
constexpr std::size_t kMaxLabelBytes = 63;

Err<Error> wrong(std::string_view text, const std::string& what) {
  return Err{Error{in_quotes(text) + " " + what}};
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// Of one label, or "" when it is well formed. Underscores are legal (CONTRACT §2).
std::string label_problem(std::string_view label) {
  if (label.empty()) return "has an empty label (two dots in a row?)";
  if (label.size() > kMaxLabelBytes) return "has a label longer than 63 bytes";
  for (char c : label) {
    if (c == '*')
      return "has a wildcard inside (expected it in front: \"*.example.com\", \".example.com\", or "
             "\"*\" alone)";
    bool is_legal = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    if (!is_legal) {
      return "has the character " + in_quotes({&c, 1}) + " (expected letters, digits, - and _)";
    }
  }
  return {};
}

// Of a lower-case name without wildcard, leading or trailing dot.
std::string name_problem(std::string_view name) {
  if (name.empty()) return "is no host name";
  if (name.size() > kMaxNameBytes) return "is longer than 253 bytes";
  for (std::size_t begin = 0; begin <= name.size();) {
    std::size_t end = std::min(name.find('.', begin), name.size());
    std::string problem = label_problem(name.substr(begin, end - begin));
    if (!problem.empty()) return problem;
    begin = end + 1;
  }
  return {};
}

// What people write that looks like a host and is more, or "" if it is neither.
std::string excess_problem(std::string_view text) {
  if (text.find("://") != std::string_view::npos) return "has a scheme (expected the host alone";
  if (text.find_first_of("~^$()|\\`{}") != std::string_view::npos) {
    return "looks like a pattern or a variable (expected a plain name";
  }
  if (text.find('/') != std::string_view::npos) return "has a path (expected the host alone";
  if (text.find('@') != std::string_view::npos) return "has a user (expected the host alone";
  if (!is_ascii(text)) return "is not ASCII (expected its punycode form";
  return {};
}

// What a route offers for it.
std::string_view cure_in_route(std::string_view problem) {
  if (problem.starts_with("has a scheme")) return "; scheme = \"https\" narrows a route";
  if (problem.starts_with("has a path")) return "; path = \"/…\" narrows a route";
  if (problem.starts_with("looks like"))
    return ", \"*.example.com\" for one label below, or \".example.com\" for all below";
  return {};
}

Result<std::string> parse_ipv6_host(std::string_view text) {
  std::size_t close = text.find(']');
  Result<IpAddress> address =
      IpAddress::parse(text.substr(0, std::min(close, text.size() - 1) + 1));
  if (!address.ok()) return wrong(text, "is not an IPv6 address in brackets");
  if (close + 1 < text.size())
    return wrong(text, "has a port (expected the host alone: hosts match on every port)");
  return address->is_v6() ? "[" + address->ip_text() + "]" : address->ip_text();
}

}  // namespace

Result<std::string> read_host_pattern(std::string_view text) {
  if (text.empty()) return wrong(text, "is empty (expected a host name, or \"*\" for every host)");
  if (text == "_") return wrong(text, "is no host name");
  if (std::string problem = excess_problem(text); !problem.empty()) {
    return wrong(text, problem + std::string(cure_in_route(problem)) + ")");
  }
  if (text.find_first_of(" ,;") != std::string_view::npos) {
    return wrong(text, "holds several names (expected hosts = [\"…\", \"…\"])");
  }
  if (text == "*") return std::string(text);
  if (text.front() == '[') return parse_ipv6_host(text);
  if (std::count(text.begin(), text.end(), ':') > 1) {
    return wrong(text, "needs brackets around its IPv6 address");
  }
  if (text.find(':') != std::string_view::npos) {
    return wrong(text, "has a port (expected the host alone: hosts match on every port)");
  }
  std::string host = lower_case(text);
  if (host.size() > 1 && host.back() == '.') host.pop_back();
  std::string_view name = host;
  if (name.starts_with("*.")) {
    name.remove_prefix(2);
  } else if (name.starts_with('.')) {
    name.remove_prefix(1);
  }
  if (std::string problem = name_problem(name); !problem.empty()) return wrong(text, problem);
  return host;
}

Result<std::string> parse_host_pattern(std::string_view text) {
  Result<std::string> host = read_host_pattern(text);
  if (host.ok()) return host;
  return Err{Error{with_hint(host.error().message, meant_host(text))}};
}

Result<std::string> parse_host_header(std::string_view text) {
  if (std::string problem = excess_problem(text); !problem.empty())
    return wrong(text, problem + ")");
  std::size_t colon = text.rfind(':');
  bool has_port = colon != std::string_view::npos && text.back() != ']';
  std::string_view host = has_port ? text.substr(0, colon) : text;
  if (has_port) {
    std::string_view digits = text.substr(colon + 1);
    unsigned port = 0;
    auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    bool is_port = problem == std::errc() && end == digits.data() + digits.size() && port <= 65535;
    if (!is_port || port == 0) return wrong(text, "has no valid port");
  }
  if (host.starts_with('[')) {
    if (!IpAddress::parse(host).ok()) return wrong(text, "is not an IPv6 address in brackets");
    return std::string(text);
  }
  std::string problem = name_problem(lower_case(host));
  if (!problem.empty()) return wrong(text, problem);
  return std::string(text);
}

}  // namespace weir::config
