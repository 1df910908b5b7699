#include <algorithm>

#include "meant.h"
#include "tree.h"
#include "values.h"
#include "weir/base/ascii.h"

namespace weir::config {
namespace {

constexpr std::size_t kMaxPathBytes = 4096;

Err<Error> wrong(std::string_view text, const std::string& what) {
  return Err{Error{in_quotes(text) + " " + what}};
}

bool is_unreserved(unsigned char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

// Decodes what may be decoded without a change of meaning (RFC 3986 §6.2.2.2).
Result<std::string> decode_unreserved(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    int high = i + 1 < text.size() ? hex_value(text[i + 1]) : -1;
    int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
    if (high < 0 || low < 0) return wrong(text, "has a % without two hexadecimal digits");
    auto byte = static_cast<unsigned char>(high * 16 + low);
    if (is_unreserved(byte)) {
      out += static_cast<char>(byte);
    } else {
      out += text.substr(i, 3);
    }
    i += 2;
  }
  return out;
}

std::string path_problem(std::string_view text) {
  bool is_pattern = text.find_first_of("\\^{}|[]") != std::string_view::npos;
  if (is_pattern || text.starts_with('~')) {
    return "looks like a pattern (expected a plain path, which covers everything below it)";
  }
  if (text.find("://") != std::string_view::npos) return "is a URL (expected its path alone)";
  if (text.empty() || text.front() != '/') return "does not begin with \"/\"";
  if (text.size() > kMaxPathBytes) return "is longer than 4096 bytes";
  for (char c : text) {
    if (c == '?') return "has a query (routes match on the path alone)";
    if (c == '#') return "has a fragment (routes match on the path alone)";
    if (c == '*') return "has a wildcard (a path covers everything below it anyway)";
    bool is_visible = c > ' ' && c < 0x7f;
    if (!is_visible) return "has a character that must be percent-encoded";
  }
  return {};
}

bool has_dot_segment(std::string_view path) {
  for (std::size_t begin = 1; begin <= path.size();) {
    std::size_t end = std::min(path.find('/', begin), path.size());
    std::string_view segment = path.substr(begin, end - begin);
    if (segment == "." || segment == "..") return true;
    begin = end + 1;
  }
  return false;
}

}  // namespace

Result<std::string> read_path(std::string_view text) {
  if (std::string problem = path_problem(text); !problem.empty()) return wrong(text, problem);
  Result<std::string> decoded = decode_unreserved(text);
  if (!decoded.ok()) return decoded;
  std::string path = std::move(decoded).value();
  if (has_dot_segment(path)) {
    return wrong(text, "has a \".\" or \"..\" segment, which requests cannot match");
  }
  if (path.ends_with('/')) path.pop_back();
  return path;
}

Result<std::string> parse_path(std::string_view text) {
  Result<std::string> path = read_path(text);
  if (path.ok()) return path;
  return Err{Error{with_hint(path.error().message, meant_path(text))}};
}

}  // namespace weir::config
