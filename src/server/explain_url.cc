#include "explain_url.h"

#include <algorithm>

#include "weir/base/ascii.h"

namespace weir::server {
namespace {

constexpr std::string_view kExpected = " (expected http://HOST/PATH, https://HOST/PATH or HOST/PATH)";

Err<admin::Refusal> bad_url(const std::string& url, const std::string& what) {
  return Err{admin::Refusal{400, "bad_url", "the URL \"" + url + "\" " + what}};
}

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    constexpr std::string_view kSeparators = "\"(),/:;<=>?@[\\]{}";
    return c > ' ' && c < 0x7f && kSeparators.find(c) == kSeparators.npos;
  });
}

std::string upper_case(std::string text) {
  for (char& c : text)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return text;
}

Status<admin::Refusal> check_method(const std::string& method) {
  std::string what = is_token(method) ? "" : "is no method";
  bool is_small = http::method_of(method) == http::Method::kOther &&
                  http::method_of(upper_case(method)) != http::Method::kOther;
  if (is_small) what = "is not " + upper_case(method) + ": methods are told apart by case";
  if (what.empty()) return Ok{};
  return Err{admin::Refusal{400, "bad_method", "the method \"" + method + "\" " + what}};
}

// What no client would send of it, in words; empty: nothing.
std::string problem_of(std::string_view authority, std::string_view target) {
  if (authority.empty()) return "names no host" + std::string(kExpected);
  for (std::string_view part : {authority, target})
    for (char c : part) {
      if (c == ' ') return "has a space, which clients send as %20";
      if (c < ' ' || c == 0x7f) {
        return static_cast<unsigned char>(c) >= 0x80
                   ? "is not ASCII: clients send such hosts as xn--… and such paths "
                     "percent-encoded"
                   : "has a control character";
      }
    }
  if (authority.find('@') != authority.npos)
    return "has a name in front of the host, which clients keep for themselves: leave \"" +
           std::string(authority.substr(0, authority.find('@') + 1)) + "\" out";
  if (authority.find('*') != authority.npos || authority.front() == '.')
    return "has a pattern for a host: name one that a client would ask for, such as "
           "\"www.example.com\"";
  if (target.find('#') != target.npos)
    return "has a fragment, which clients keep for themselves: leave \"" +
           std::string(target.substr(target.find('#'))) + "\" out";
  return {};
}

}  // namespace

Result<AskedRequest, admin::Refusal> read_url(const admin::ExplainQuery& query) {
  Status<admin::Refusal> method = check_method(query.method);
  if (!method.ok()) return Err{method.error()};
  AskedRequest asked;
  std::string_view rest = query.url;
  std::size_t scheme_end = rest.find("://");
  // "HOST/PATH?to=http://…" has none.
  if (scheme_end != rest.npos && scheme_end < rest.find_first_of("/?")) {
    std::string scheme = lower_case(rest.substr(0, scheme_end));
    if (scheme == "ws" || scheme == "wss")
      return bad_url(query.url, "is a WebSocket's, which begins as http: write " +
                                    std::string(scheme == "ws" ? "http" : "https") + "://");
    if (scheme != "http" && scheme != "https")
      return bad_url(query.url, "is of the scheme " + scheme + std::string(kExpected));
    asked.scheme = scheme == "https" ? http::Scheme::kHttps : http::Scheme::kHttp;
    rest.remove_prefix(scheme_end + 3);
  }
  if (rest.starts_with("http:/") || rest.starts_with("https:/"))
    return bad_url(query.url, "names no host" + std::string(kExpected));
  std::size_t authority_end = std::min(rest.find_first_of("/?#"), rest.size());
  std::string_view authority = rest.substr(0, authority_end);
  std::string target(rest.substr(authority_end));
  if (std::string problem = problem_of(authority, target); !problem.empty())
    return bad_url(query.url, problem);
  if (!target.starts_with('/')) target.insert(0, 1, '/');
  std::string text = query.method + " " + target + " HTTP/1.1\r\nHost: " + std::string(authority) +
                     "\r\n\r\n";
  http::RequestHead head;
  http::HeadProgress progress;
  http::HeadResult result =
      http::parse_request_head(text, {.start_line_bytes = text.size(), .head_bytes = text.size()},
                               progress, head);
  asked.host = head.host;
  asked.path = head.path;
  if (result.status == http::HeadStatus::kComplete) return asked;
  asked.refused = result;
  asked.host = authority;
  asked.path = target.substr(0, target.find('?'));
  return asked;
}

}  // namespace weir::server
