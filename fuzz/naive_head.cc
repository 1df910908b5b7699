#include "naive_head.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

namespace weir::fuzz {
namespace {

bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_number(char c) { return c >= '0' && c <= '9'; }
bool is_token_byte(char c) {
  return c != '\0' && (is_alpha(c) || is_number(c) || std::strchr("!#$%&'*+-.^_`|~", c) != nullptr);
}
bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_byte);
}
bool is_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_number);
}

std::string_view trimmed(std::string_view text) {
  std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

struct Cursor {
  std::string_view bytes;  // no more of them than a head may have
  std::size_t at = 0;
  bool is_cut_off = false;  // there were more

  Verdict at_end() const { return is_cut_off ? Verdict::kRefused : Verdict::kIncomplete; }
  // A line without its end; control bytes but HTAB make it refused.
  Verdict take_line(std::string_view& line) {
    for (std::size_t i = at; i < bytes.size(); ++i) {
      auto c = static_cast<unsigned char>(bytes[i]);
      if (c == '\r' && i + 1 == bytes.size()) return at_end();
      if (c == '\r' && bytes[i + 1] == '\n') {
        line = bytes.substr(at, i - at);
        at = i + 2;
        return Verdict::kFine;
      }
      if ((c < 0x20 && c != '\t') || c == 0x7f) return Verdict::kRefused;
    }
    return at_end();
  }
};

Verdict take_fields(Cursor& cursor, std::size_t max_fields, NaiveHead& out) {
  bool has_bad_line = false;
  for (;;) {
    std::string_view rest = cursor.bytes.substr(cursor.at);
    if (rest.starts_with(' ') || rest.starts_with('\t') || rest.starts_with(':'))
      return Verdict::kRefused;
    bool may_be_empty_line = rest.empty() || rest.front() == '\r';
    if (!may_be_empty_line && out.fields.size() == max_fields) return Verdict::kRefused;
    std::string_view line;
    Verdict verdict = cursor.take_line(line);
    if (verdict != Verdict::kFine) return verdict;
    if (line.empty()) break;
    std::size_t colon = line.find(':');
    // Judged when the head is complete.
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) has_bad_line = true;
    std::string_view value = colon == std::string_view::npos ? "" : trimmed(line.substr(colon + 1));
    out.fields.emplace_back(line.substr(0, colon), value);
  }
  out.head_bytes = cursor.at;
  return has_bad_line ? Verdict::kRefused : Verdict::kFine;
}

bool is_length(std::string_view text) {
  if (!is_digits(text)) return false;
  text.remove_prefix(std::min(text.find_first_not_of('0'), text.size()));
  constexpr std::string_view kMax = "9223372036854775807";
  return text.size() < kMax.size() || (text.size() == kMax.size() && text <= kMax);
}

bool is_protected(const std::string& name) {
  std::string folded = lower(name);
  for (const char* one :
       {"host", "content-length", "transfer-encoding", "authorization", "cookie", "forwarded",
        "via", "x-forwarded-for", "x-request-id", "traceparent", "expect", "max-forwards", "date"})
    if (folded == one) return true;
  // As a CGI gateway reads it.
  for (char& c : folded)
    if (!is_alpha(c) && !is_number(c)) c = '-';
  return folded.starts_with("x-forwarded-");
}

// R01, R02, R13.
bool has_fine_framing(NaiveHead& head, bool is_1_0) {
  auto lengths = head.values("content-length");
  auto codings = head.values("transfer-encoding");
  if (lengths.size() > 1 || codings.size() > 1 || (!lengths.empty() && !codings.empty()))
    return false;
  std::size_t options = 0;
  for (const std::string& list : head.values("connection"))
    for (const std::string& option : members(list))
      if (++options > 32 || !is_token(option) || is_protected(option)) return false;
  if (!codings.empty()) {
    head.body = http::BodyKind::kChunked;
    return !is_1_0 && lower(codings[0]) == "chunked";
  }
  if (lengths.empty()) return true;
  if (!is_length(lengths[0])) return false;
  head.body = http::BodyKind::kLength;
  head.length = std::stoull(lengths[0]);
  return true;
}

bool is_target(std::string_view target, std::string_view method, std::string& authority) {
  for (char c : target)
    if (c <= 0x20 || c >= 0x7f || c == '#') return false;
  if (target.starts_with('/')) return true;
  if (target == "*") return method == "OPTIONS";
  std::size_t colon = target.find("://");
  if (colon == std::string_view::npos) return false;
  std::string scheme = lower(target.substr(0, colon));
  std::string_view rest = target.substr(colon + 3);
  authority = rest.substr(0, rest.find_first_of("/?"));
  return (scheme == "http" || scheme == "https") && is_authority(authority);
}

struct RequestLine {
  std::string method;
  std::string authority;  // of the absolute form
  bool is_1_0 = false;
};

bool is_request_line(const std::string& line, RequestLine& out) {
  std::size_t first = line.find(' ');
  std::size_t second = line.find(' ', first + 1);
  if (first == std::string::npos || second == std::string::npos) return false;
  out.method = line.substr(0, first);
  std::string target = line.substr(first + 1, second - first - 1);
  std::string version = line.substr(second + 1);
  if (version.size() != 8 || !version.starts_with("HTTP/1.") || !is_number(version[7]))
    return false;
  out.is_1_0 = version[7] == '0';
  return is_token(out.method) && out.method != "CONNECT" && !target.empty() &&
         is_target(target, out.method, out.authority);
}

bool means_a_request(const RequestLine& line, NaiveHead& head) {
  if (!has_fine_framing(head, line.is_1_0)) return false;
  auto hosts = head.values("host");
  if (hosts.size() > 1 || (hosts.empty() && !line.is_1_0)) return false;
  bool may_be_empty = line.is_1_0 || !line.authority.empty();
  if (!hosts.empty() && !(hosts[0].empty() ? may_be_empty : is_authority(hosts[0]))) return false;
  for (const std::string& list : head.values("expect")) {
    auto all = members(list);
    for (const std::string& member : all)
      if (lower(member) != "100-continue") return false;
    if (all.empty()) return false;
  }
  bool has_body = head.body == http::BodyKind::kChunked || head.length > 0;
  if (line.method == "TRACE" && has_body) return false;
  if (line.method != "TRACE" && line.method != "OPTIONS") return true;
  auto hops = head.values("max-forwards");
  return hops.empty() || (hops.size() == 1 && is_length(hops[0]));
}

bool is_switch(const NaiveHead& head) {
  bool says_upgrade = false;
  for (const std::string& list : head.values("connection"))
    for (const std::string& option : members(list)) says_upgrade |= lower(option) == "upgrade";
  auto upgrades = head.values("upgrade");
  if (!says_upgrade || head.body != http::BodyKind::kNone || upgrades.size() != 1) return false;
  std::size_t slash = upgrades[0].find('/');
  return is_token(upgrades[0].substr(0, slash)) &&
         (slash == std::string::npos || is_token(upgrades[0].substr(slash + 1)));
}

bool is_status_line(const std::string& line) {
  if (line.size() < 12 || !line.starts_with("HTTP/1.") || !is_number(line[7]) || line[8] != ' ' ||
      !is_digits(line.substr(9, 3)) || (line.size() > 12 && line[12] != ' '))
    return false;
  return line[9] >= '1' && line[9] <= '5';
}

bool means_a_response(http::Method request_method, NaiveHead& head) {
  int status = std::stoi(head.start_line.substr(9, 3));
  bool is_1_0 = head.start_line[7] == '0';
  if (!has_fine_framing(head, is_1_0)) return false;
  if (status == 101 && (is_1_0 || !is_switch(head))) return false;
  if (request_method == http::Method::kHead || status < 200 || status == 204 || status == 304) {
    head.body = http::BodyKind::kNone;
    head.length = 0;
  } else if (head.body == http::BodyKind::kNone) {
    head.body = http::BodyKind::kUntilClose;
  }
  return true;
}

Cursor cursor_of(std::string_view bytes, const http::HeadLimits& limits) {
  return {bytes.substr(0, limits.head_bytes), 0, bytes.size() >= limits.head_bytes};
}

}  // namespace

std::vector<std::string> NaiveHead::values(std::string_view name) const {
  std::vector<std::string> found;
  for (const auto& [field, value] : fields)
    if (lower(field) == name) found.push_back(value);
  return found;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

std::vector<std::string> members(std::string_view list) {
  std::vector<std::string> found;
  for (;;) {
    std::size_t comma = list.find(',');
    std::string_view member = trimmed(list.substr(0, comma));
    if (!member.empty()) found.emplace_back(member);
    if (comma == std::string_view::npos) return found;
    list.remove_prefix(comma + 1);
  }
}

bool is_authority(std::string_view text) {
  std::string_view host = text;
  if (text.starts_with('[')) {
    std::size_t end = text.find(']');
    if (end == std::string_view::npos) return false;
    host = text.substr(0, end + 1);
    std::string literal(text.substr(1, end - 1));
    in6_addr address;
    bool is_c_string = literal.find('\0') == std::string::npos;
    if (!is_c_string || inet_pton(AF_INET6, literal.c_str(), &address) != 1) return false;
  } else {
    host = text.substr(0, text.find(':'));
    if (host.empty() || host.size() > 255 || host.front() == '.') return false;
    if (host.find("..") != std::string_view::npos) return false;
    for (char c : host)
      if (!is_alpha(c) && !is_number(c) && c != '-' && c != '.' && c != '_') return false;
  }
  std::string_view port = text.substr(host.size());
  if (port.empty()) return true;
  port.remove_prefix(1);
  if (text[host.size()] != ':' || !is_digits(port) || port.size() > 5) return false;
  int number = std::stoi(std::string(port));
  return number > 0 && number < 65536;
}

Verdict naive_request(std::string_view bytes, const http::HeadLimits& limits, NaiveHead& out) {
  out = {};
  if (bytes.empty()) return Verdict::kIncomplete;
  Cursor cursor = cursor_of(bytes, limits);
  if (bytes[0] == '\r') {  // R05
    if (bytes.size() < 3)
      return bytes == "\r" || bytes == "\r\n" ? cursor.at_end() : Verdict::kRefused;
    if (bytes[1] != '\n' || bytes[2] == '\r') return Verdict::kRefused;
    cursor.at = 2;
  }
  // What cannot be a method is refused before its line is complete.
  std::string_view beginning = bytes.substr(cursor.at, 24);
  std::size_t method_end = std::min(beginning.find_first_of(" \r"), beginning.size());
  if (!beginning.empty() && !is_token(beginning.substr(0, method_end))) return Verdict::kRefused;
  std::size_t begin = cursor.at;
  std::string_view line;
  Verdict verdict = cursor.take_line(line);
  std::size_t longest = begin + limits.start_line_bytes + 2;  // with its end
  if (verdict == Verdict::kIncomplete && bytes.size() >= longest) return Verdict::kRefused;
  if (verdict != Verdict::kFine) return verdict;
  if (line.size() > limits.start_line_bytes) return Verdict::kRefused;
  out.start_line = line;
  RequestLine parts;
  if (!is_request_line(out.start_line, parts)) return Verdict::kRefused;
  verdict = take_fields(cursor, limits.fields, out);
  if (verdict != Verdict::kFine) return verdict;
  return means_a_request(parts, out) ? Verdict::kFine : Verdict::kRefused;
}

Verdict naive_response(std::string_view bytes, const http::HeadLimits& limits,
                       http::Method request_method, NaiveHead& out) {
  out = {};
  constexpr std::string_view kBeginning = "HTTP/1.";
  if (!bytes.starts_with(kBeginning) && !kBeginning.starts_with(bytes)) return Verdict::kRefused;
  Cursor cursor = cursor_of(bytes, limits);
  std::string_view line;
  Verdict verdict = cursor.take_line(line);
  if (verdict != Verdict::kFine) return verdict;
  out.start_line = line;
  if (!is_status_line(out.start_line)) return Verdict::kRefused;
  verdict = take_fields(cursor, limits.fields, out);
  if (verdict != Verdict::kFine) return verdict;
  return means_a_response(request_method, out) ? Verdict::kFine : Verdict::kRefused;
}

Verdict naive_trailers(std::string_view bytes, const http::HeadLimits& limits, NaiveHead& out) {
  out = {};
  Cursor cursor = cursor_of(bytes, limits);
  return take_fields(cursor, limits.fields, out);
}

}  // namespace weir::fuzz
