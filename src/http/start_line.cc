#include "start_line.h"

#include <algorithm>

#include "framing.h"
#include "weir/base/address.h"
#include "weir/http/fields.h"

namespace weir::http {
namespace {

constexpr std::string_view kVersionBeginning = "HTTP/";

// "HTTP/" DIGIT "." DIGIT, nothing else.
Refusal parse_version(std::string_view text, int& minor_version) {
  constexpr std::size_t kSize = 8;
  if (text.size() != kSize || !text.starts_with(kVersionBeginning) || text[6] != '.' ||
      !is_char(text[5], kDigitChar) || !is_char(text[7], kDigitChar))
    return {"the request line is not method, target and HTTP version with single spaces"};
  if (text[5] != '1') return {"not HTTP/1.x", Failure::version_not_supported};
  minor_version = text[7] == '0' ? 0 : 1;
  return {};
}

void split_target(std::string_view target, RequestHead& out) {
  std::size_t mark = target.find('?');
  out.target = target;
  out.path = target.substr(0, mark);
  out.query = mark == std::string_view::npos ? std::string_view{} : target.substr(mark + 1);
}

Refusal parse_absolute_form(std::string_view target, RequestHead& out) {
  std::size_t colon = target.find("://");
  if (colon == std::string_view::npos) return {"the target is neither a path nor an http URL"};
  std::string_view scheme = target.substr(0, colon);
  if (equals_ignoring_case(scheme, "http"))
    out.absolute_scheme = Scheme::kHttp;
  else if (equals_ignoring_case(scheme, "https"))
    out.absolute_scheme = Scheme::kHttps;
  else
    return {"the target's scheme is neither http nor https"};
  std::string_view rest = target.substr(colon + 3);
  std::size_t end = rest.find_first_of("/?");
  out.form = TargetForm::kAbsolute;
  out.authority = rest.substr(0, end);
  if (!parse_authority(out.authority, out)) return {"the target's authority is not host[:port]"};
  split_target(end == std::string_view::npos ? std::string_view{"/"} : rest.substr(end), out);
  if (end == std::string_view::npos && out.method == Method::kOptions) {
    // RFC 9112 §3.2.4: what a proxy received as a URL without a path meant the server itself.
    out.form = TargetForm::kAsterisk;
    out.target = out.path = "*";
  }
  if (out.path.empty()) out.path = "/";
  return {};
}

Refusal parse_target(std::string_view target, RequestHead& out) {
  if (!is_all(target, kTargetChar))
    return {"a fragment, control or non-ASCII byte in the request target"};
  if (target.front() == '/') {
    out.form = TargetForm::kOrigin;
    split_target(target, out);
    return {};
  }
  if (target != "*") return parse_absolute_form(target, out);
  if (out.method != Method::kOptions) return {"the target * is for OPTIONS only"};
  out.form = TargetForm::kAsterisk;
  out.target = out.path = target;
  return {};
}

bool is_port(std::string_view text) {
  if (!is_all(text, kDigitChar) || text.size() > 5) return false;
  unsigned port = 0;
  for (char c : text) port = port * 10 + static_cast<unsigned>(c - '0');
  return port > 0 && port <= 65535;
}

bool is_registered_name(std::string_view name) {
  return is_all(name, kHostChar) && name.front() != '.' &&
         name.find("..") == std::string_view::npos;
}

}  // namespace

bool parse_authority(std::string_view authority, RequestHead& out) {
  if (authority.empty()) return false;
  std::size_t host_size = authority.front() == '[' ? authority.find(']') + 1 : authority.find(':');
  if (host_size > authority.size()) host_size = authority.size();
  std::string_view host = authority.substr(0, host_size);
  std::string_view rest = authority.substr(host_size);
  if (host.size() > RequestHead::kMaxHostBytes) return false;
  if (!rest.empty() && (rest.front() != ':' || !is_port(rest.substr(1)))) return false;
  if (host.starts_with('[')) {
    Result<IpAddress> ip = IpAddress::parse(host);
    if (host.find(':') == std::string_view::npos || !ip.ok()) return false;
  } else {
    if (!is_registered_name(host)) return false;
    if (host.back() == '.') host.remove_suffix(1);
  }
  char* to = out.host_storage.data();
  for (char c : host) *to++ = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  out.host = {out.host_storage.data(), host.size()};
  return true;
}

Refusal parse_request_line(std::string_view line, RequestHead& out) {
  std::size_t method_end = line.find(' ');
  out.method_text = line.substr(0, method_end);
  if (!is_all(out.method_text, kTokenChar)) return {"the method is not a token"};
  if (method_end == std::string_view::npos) return {"a request line of one word"};
  std::string_view rest = line.substr(method_end + 1);
  std::size_t target_end = rest.find(' ');
  std::string_view target = rest.substr(0, target_end);
  if (target.empty()) return {"the request line has no target behind a single space"};
  if (target_end == std::string_view::npos && is_all(target, kTargetChar))
    return {"a request without a version (HTTP/0.9)", Failure::version_not_supported};
  std::string_view version = rest.substr(std::min(target_end, rest.size() - 1) + 1);
  if (Refusal refusal = parse_version(version, out.minor_version)) return refusal;
  out.method = method_of(out.method_text);
  if (out.method == Method::kConnect)
    return {"CONNECT is not for this proxy", Failure::not_implemented};
  return parse_target(target, out);
}

Refusal parse_status_line(std::string_view line, ResponseHead& out) {
  constexpr std::string_view kShape = "HTTP/1.x 200";
  constexpr std::string_view kReason = "the status line is not HTTP/1.x, a space and three digits";
  if (line.size() < kShape.size() || !line.starts_with("HTTP/1.") || line[8] != ' ' ||
      !is_char(line[7], kDigitChar) || !is_all(line.substr(9, 3), kDigitChar))
    return {kReason};
  if (line.size() > kShape.size() && line[12] != ' ') return {kReason};
  out.minor_version = line[7] == '0' ? 0 : 1;
  out.status = (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
  if (out.status < 100 || out.status > 599) return {"the status is not between 100 and 599"};
  // Some servers leave out the space in front of an empty reason; there is no second reading of it.
  out.reason = line.size() > kShape.size() ? line.substr(kShape.size() + 1) : std::string_view{};
  return {};
}

Method method_of(std::string_view token) {
  switch (token.size()) {
    case 3:
      if (token == "GET") return Method::kGet;
      return token == "PUT" ? Method::kPut : Method::kOther;
    case 4:
      if (token == "POST") return Method::kPost;
      return token == "HEAD" ? Method::kHead : Method::kOther;
    case 5:
      if (token == "PATCH") return Method::kPatch;
      return token == "TRACE" ? Method::kTrace : Method::kOther;
    case 6:
      return token == "DELETE" ? Method::kDelete : Method::kOther;
    case 7:
      if (token == "OPTIONS") return Method::kOptions;
      return token == "CONNECT" ? Method::kConnect : Method::kOther;
    default:
      return Method::kOther;
  }
}

}  // namespace weir::http
