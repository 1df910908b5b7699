// A second, plain reading of requests, written from the rules and not from the parser: over heads
// and chunked bodies with random faults both have to come to the same.
#include <arpa/inet.h>

#include <map>
#include <optional>
#include <set>
#include <vector>

#include "support.h"

using namespace weir;
using namespace weir::http;
using namespace weir::http::test;
using namespace std::string_literals;

namespace {

using Line = std::pair<std::string, std::string>;

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

bool has_only(const std::string& text, std::string_view allowed) {
  return !text.empty() && text.find_first_not_of(allowed) == std::string::npos;
}
const std::string kDigits = "0123456789";
const std::string kAlnum = kDigits + "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
bool is_token(const std::string& text) { return has_only(text, kAlnum + "!#$%&'*+-.^_`|~"); }

std::vector<std::string> split(const std::string& text, const std::string& at) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  for (std::size_t end; (end = text.find(at, begin)) != std::string::npos; begin = end + at.size())
    parts.push_back(text.substr(begin, end - begin));
  parts.push_back(text.substr(begin));
  return parts;
}

std::string trim(const std::string& text) {
  std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

std::vector<std::string> members(const std::string& list) {
  std::vector<std::string> found;
  for (const std::string& part : split(list, ","))
    if (std::string member = trim(part); !member.empty()) found.push_back(member);
  return found;
}

// R04: lines of name and value; nothing when one is malformed.
std::optional<std::vector<Line>> read_lines(const std::vector<std::string>& lines) {
  std::vector<Line> fields;
  for (const std::string& line : lines) {
    for (char c : line)
      if ((static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f) return std::nullopt;
    std::size_t colon = line.find(':');
    if (colon == std::string::npos || !is_token(line.substr(0, colon))) return std::nullopt;
    fields.emplace_back(line.substr(0, colon), trim(line.substr(colon + 1)));
  }
  return fields;
}

// R09.
bool is_authority(const std::string& text) {
  std::string host = text;
  std::string port;
  std::size_t colon = text.find(':', text.find(']') == std::string::npos ? 0 : text.find(']'));
  if (colon != std::string::npos) {
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
    if (!has_only(port, kDigits) || port.size() > 5 || std::stoi(port) < 1 ||
        std::stoi(port) > 65535)
      return false;
  }
  if (host.size() > 255) return false;
  if (host.starts_with("[")) {
    in6_addr address;
    return host.ends_with("]") &&
           inet_pton(AF_INET6, host.substr(1, host.size() - 2).c_str(), &address) == 1;
  }
  return has_only(host, kAlnum + "-._") && host[0] != '.' && host.find("..") == std::string::npos;
}

struct Reading {
  bool is_ok = false;
  std::string text{};  // of everything that matters
  std::size_t size = 0;
};

// R10, R11: the path and query that are forwarded, and the authority if there is one.
std::optional<std::pair<std::string, std::string>> read_target(const std::string& method,
                                                               const std::string& target) {
  for (char c : target)
    if (c <= 0x20 || c >= 0x7f || c == '#') return std::nullopt;
  if (target.empty()) return std::nullopt;
  if (target[0] == '/') return {{target, ""}};
  if (target == "*" && method == "OPTIONS") return {{"*", ""}};
  std::size_t scheme_end = target.find("://");
  if (scheme_end == std::string::npos) return std::nullopt;
  std::string scheme = lower(target.substr(0, scheme_end));
  if (scheme != "http" && scheme != "https") return std::nullopt;
  std::string rest = target.substr(scheme_end + 3);
  std::string authority = rest.substr(0, rest.find_first_of("/?"));
  if (!is_authority(authority)) return std::nullopt;
  std::string path = rest.substr(authority.size());
  if (path.empty()) path = method == "OPTIONS" ? "*" : "/";
  if (path[0] == '?') path.insert(0, "/");
  return {{path, authority}};
}

bool is_length(const std::string& text) {
  if (!has_only(text, kDigits)) return false;
  std::string digits = text.substr(std::min(text.find_first_not_of('0'), text.size() - 1));
  const std::string kMax = "9223372036854775807";
  return digits.size() < kMax.size() || (digits.size() == kMax.size() && digits <= kMax);
}

bool is_good_connection(const std::string& list, std::size_t& options) {
  static const std::set<std::string> kProtected = {
      "host", "content-length", "transfer-encoding", "authorization", "cookie",       "forwarded",
      "via",  "x-request-id",   "traceparent",       "expect",        "max-forwards", "date"};
  for (const std::string& option : members(list))
    if (!is_token(option) || ++options > 32 || kProtected.contains(lower(option)) ||
        lower(option).starts_with("x-forwarded-"))
      return false;
  return true;
}

// R01, R02: "" for none, "chunked" or the number.
std::optional<std::string> read_body(const std::multimap<std::string, std::string>& fields,
                                     bool is_old) {
  auto codings = fields.equal_range("transfer-encoding");
  auto lengths = fields.equal_range("content-length");
  auto count = std::distance(codings.first, codings.second);
  auto length_count = std::distance(lengths.first, lengths.second);
  if (count + length_count > 1) return std::nullopt;
  if (count == 1)
    return !is_old && lower(codings.first->second) == "chunked" ? std::optional("chunked"s)
                                                                : std::nullopt;
  if (length_count == 0) return "";
  const std::string& value = lengths.first->second;
  return is_length(value) ? std::optional(std::to_string(std::stoull(value))) : std::nullopt;
}

Reading read_plainly(std::string text) {
  constexpr std::size_t kMaxHead = 32 * 1024;
  std::size_t skipped = text.starts_with("\r\n") ? 2 : 0;
  std::size_t end = text.find("\r\n\r\n", skipped);
  if (end == std::string::npos || end + 4 > kMaxHead) return {};
  std::vector<std::string> lines = split(text.substr(skipped, end - skipped), "\r\n");
  std::vector<std::string> words = split(lines[0], " ");
  if (words.size() != 3 || !is_token(words[0]) || words[0] == "CONNECT") return {};
  if (words[2].size() != 8 || !words[2].starts_with("HTTP/1.") || !has_only({words[2][7]}, kDigits))
    return {};
  bool is_old = words[2] == "HTTP/1.0";
  auto target = read_target(words[0], words[1]);
  lines.erase(lines.begin());
  auto fields = read_lines(lines);
  if (!target || !fields || fields->size() > 100) return {};
  std::multimap<std::string, std::string> by_name;
  std::size_t options = 0;
  bool counts_hops = words[0] == "OPTIONS" || words[0] == "TRACE";
  for (const auto& [name, value] : *fields) {
    by_name.emplace(lower(name), value);
    if (lower(name) == "connection" && !is_good_connection(value, options)) return {};
    if (lower(name) == "expect" && members(value).empty()) return {};
    if (lower(name) == "expect")
      for (const std::string& member : members(value))
        if (lower(member) != "100-continue") return {};
    if (lower(name) == "max-forwards" && counts_hops && !is_length(value)) return {};
  }
  if (counts_hops && by_name.count("max-forwards") > 1) return {};
  auto body = read_body(by_name, is_old);
  if (!body || (words[0] == "TRACE" && *body != "" && *body != "0")) return {};
  std::size_t hosts = by_name.count("host");
  if (hosts > 1 || (hosts == 0 && !is_old)) return {};
  std::string host = hosts == 1 ? by_name.find("host")->second : "";
  bool needs_host = !is_old && target->second.empty();
  if (host.empty() ? needs_host : !is_authority(host)) return {};
  Reading reading{true, words[0] + " " + target->first + " " + *body + " ", end + 4};
  reading.text += target->second.empty() ? host : target->second;
  for (const auto& [name, value] : *fields) reading.text += "|" + name + "=" + value;
  return reading;
}

Reading read_by_weir(const std::string& text) {
  RequestHead head;
  if (parse(text, head).status != HeadStatus::kComplete) return {};
  std::string target(head.target);
  if (target.starts_with('?')) target.insert(0, "/");
  Reading reading{true, std::string(head.method_text) + " " + target + " ", head.head_bytes};
  if (head.body.kind == BodyKind::kChunked)
    reading.text += "chunked";
  else if (head.body.kind == BodyKind::kLength)
    reading.text += std::to_string(head.body.length);
  reading.text += " " + std::string(head.authority);
  for (const Field& field : head.fields)
    reading.text += "|" + std::string(field.name) + "=" + std::string(field.value);
  return reading;
}

class Random {
 public:
  explicit Random(std::uint32_t seed) : state_(seed) {}
  std::size_t below(std::size_t bound) {
    state_ = state_ * 1664525u + 1013904223u;
    return (state_ >> 8) % bound;
  }
  template <typename List>
  auto& of(const List& list) {
    return list[below(std::size(list))];
  }

 private:
  std::uint32_t state_;
};

// Some bytes put in, replaced, taken out or doubled.
std::string with_faults(std::string text, std::size_t faults, Random& random) {
  static const std::vector<std::string> kBytes = {
      "\r",   "\n",    "\r\n",    " ", "\t", ":", ",", "\"", "\\", std::string(1, '\0'),
      "\x01", "\x7f",  "\x80",    "0", "1",  "5", "9", "a",  "X",  "/",
      "?",    "#",     "@",       "[", "]",  ";", "=", "*",  "-",  "_",
      ".",    "\r\n ", "\r\n\r\n"};
  for (; faults > 0 && !text.empty(); --faults) {
    std::size_t at = random.below(text.size());
    switch (random.below(4)) {
      case 0:
        text.insert(at, random.of(kBytes));
        break;
      case 1:
        text.replace(at, 1, random.of(kBytes));
        break;
      case 2:
        text.erase(at, 1 + random.below(3));
        break;
      default:
        text.insert(at, text.substr(at, 1 + random.below(20)));
    }
  }
  return text;
}

std::string random_head(Random& random) {
  static const std::vector<std::string> kMethods = {"GET", "POST",    "OPTIONS", "TRACE",
                                                    "get", "CONNECT", "M-SEARCH"};
  static const std::vector<std::string> kTargets = {"/",           "/a/b?c",
                                                    "*",           "http://b.example/x",
                                                    "HTTP://b:80", "https://[::1]:8?q",
                                                    "//x",         "b:80",
                                                    "http://u@b/", "ftp://b/"};
  static const std::vector<std::string> kVersions = {"HTTP/1.1", "HTTP/1.1", "HTTP/1.0",
                                                     "HTTP/1.2", "HTTP/2.0", "HTTP/1.10"};
  static const std::vector<std::string> kLines = {"Content-Length: 5",
                                                  "content-length:05",
                                                  "Content-Length: 9223372036854775808",
                                                  "Content-Length: 5, 5",
                                                  "Transfer-Encoding: chunked",
                                                  "transfer-encoding:\tCHUNKED ",
                                                  "Transfer-Encoding: gzip, chunked",
                                                  "Transfer-Encoding:",
                                                  "Connection: close",
                                                  "Connection: keep-alive, X-Own",
                                                  "Connection: x, Host",
                                                  "Connection: a b",
                                                  "Connection: X-Forwarded-Foo",
                                                  "Expect: 100-continue",
                                                  "Expect: x",
                                                  "Max-Forwards: 3",
                                                  "Max-Forwards: x",
                                                  "TE: trailers",
                                                  "Upgrade: websocket",
                                                  "X-Own: 1",
                                                  "Cookie: a=\"b\"",
                                                  "X:",
                                                  "X_Forwarded_For: 1",
                                                  "Host: b.example"};
  static const std::vector<std::string> kHosts = {
      "Host: a.example", "HOST:\ta:80 ", "Host: [::1]:8080", "Host:", "Host: a..b", "X: y"};
  bool is_plain = random.below(2) == 0;  // else nothing would ever be right
  std::string head =
      is_plain ? "GET / HTTP/1.1"
               : random.of(kMethods) + " " + random.of(kTargets) + " " + random.of(kVersions);
  head += "\r\n" + (is_plain ? kHosts[0] : random.of(kHosts)) + "\r\n";
  for (std::size_t count = random.below(4); count > 0; --count) head += random.of(kLines) + "\r\n";
  return (random.below(10) == 0 ? "\r\n" : "") + head + "\r\nGET /next HTTP/1.1\r\n";
}

struct Body {
  bool is_done = false;
  std::string data{};
  std::string rest{};
};

// R03; the extension's quotation marks have to close.
Body decode_plainly(const std::string& text) {
  Body body;
  std::size_t at = 0;
  for (;;) {
    std::size_t end = text.find("\r\n", at);
    if (end == std::string::npos) return {};
    std::string line = text.substr(at, end - at);
    std::string digits = line.substr(0, line.find(';'));
    if (!has_only(digits, "0123456789abcdefABCDEF") || digits.size() > 16) return {};
    bool is_quoted = false;
    bool is_escaped = false;
    for (std::size_t i = digits.size(); i < line.size(); ++i) {
      auto c = static_cast<unsigned char>(line[i]);
      if ((c < 0x20 && c != '\t') || c == 0x7f) return {};
      if (c == '"' && !is_escaped) is_quoted = !is_quoted;
      is_escaped = c == '\\' && is_quoted && !is_escaped;
    }
    if (is_quoted) return {};
    std::uint64_t size = std::stoull(digits, nullptr, 16);
    at = end + 2;
    if (size == 0) break;
    if (size > text.size() || at + size + 2 > text.size()) return {};
    body.data += text.substr(at, size);
    at += size;
    if (text.compare(at, 2, "\r\n") != 0) return {};
    at += 2;
  }
  std::size_t end = text.compare(at, 2, "\r\n") == 0 ? at : text.find("\r\n\r\n", at);
  if (end == std::string::npos) return {};
  if (end != at && !read_lines(split(text.substr(at, end - at), "\r\n"))) return {};
  body.is_done = true;
  body.rest = text.substr(end + (end == at ? 2 : 4));
  return body;
}

Body decode_by_weir(const std::string& text) {
  BodyDecoder decoder({BodyKind::kChunked, 0}, {});
  Body body;
  std::string_view input = text;
  for (;;) {
    BodyDecoder::Step step = decoder.next(input);
    input.remove_prefix(step.consumed);
    if (step.event == BodyDecoder::Event::kData) {
      body.data += step.data;
      continue;
    }
    if (step.event != BodyDecoder::Event::kDone) return {};
    body.is_done = true;
    body.rest = input;
    return body;
  }
}

}  // namespace

TEST_CASE("R01, R02, R04, R05, R09, R10, R11, R13, R18: heads with faults, read a second time") {
  Random random(20);
  int accepted = 0;
  for (int round = 0; round < 40'000; ++round) {
    std::string head = with_faults(random_head(random), random.below(4), random);
    Reading plain = read_plainly(head);
    Reading weirs = read_by_weir(head);
    if (plain.is_ok != weirs.is_ok || plain.text != weirs.text || plain.size != weirs.size) {
      CAPTURE(head);
      CHECK(plain.is_ok == weirs.is_ok);
      CHECK(plain.text == weirs.text);
      CHECK(plain.size == weirs.size);
    }
    accepted += plain.is_ok;
  }
  CHECK(accepted > 5000);
  CHECK(accepted < 35'000);
}

TEST_CASE("R03, R04: chunked bodies with faults, read a second time") {
  Random random(21);
  const std::vector<std::string> bodies = {
      "5\r\nhello\r\n0\r\n\r\nGET", "A;a=\"b;\\\"c\"\r\n0123456789\r\n1\r\nx\r\n000\r\n\r\n",
      "3\r\n\r\n0\r\n2\r\nab\r\n0;x\r\nX-Sum: 1\r\nY:\t2\r\n\r\nrest", "0\r\n\r\n",
      "0000000000000001\r\nx\r\n0000000000000000\r\nA: b\r\n\r\n"};
  int accepted = 0;
  for (int round = 0; round < 40'000; ++round) {
    std::string text = with_faults(random.of(bodies), random.below(4), random);
    Body plain = decode_plainly(text);
    Body weirs = decode_by_weir(text);
    if (plain.is_done != weirs.is_done || plain.data != weirs.data || plain.rest != weirs.rest) {
      CAPTURE(text);
      CHECK(plain.is_done == weirs.is_done);
      CHECK(plain.data == weirs.data);
      CHECK(plain.rest == weirs.rest);
    }
    accepted += plain.is_done;
  }
  CHECK(accepted > 5000);
  CHECK(accepted < 35'000);
}
