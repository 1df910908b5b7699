#include "reply.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>

namespace weir::proxy {

namespace {

// RFC 8941 §3.3.4: a token begins with a letter or '*'; everything else goes as a string.
bool is_structured_token(std::string_view text) {
  auto is_tchar = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           std::string_view("!#$%&'*+-.^_`|~:/").find(c) != std::string_view::npos;
  };
  return !text.empty() &&
         (std::isalpha(static_cast<unsigned char>(text[0])) != 0 || text[0] == '*') &&
         std::all_of(text.begin(), text.end(), is_tchar);
}

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c >= ' ' && c < 0x7f ? c : '?';
  }
  out += '"';
}

// 503s that time alone can cure.
bool is_cured_by_time(Failure failure) {
  return failure == Failure::overloaded || failure == Failure::no_local_port ||
         failure == Failure::no_usable_backend;
}

}  // namespace

FailurePage::FailurePage(Failure failure, std::string_view detail, std::string_view server_name,
                         std::string_view request_id) {
  const FailureRow& row = row_of(failure);
  if (is_structured_token(server_name))
    proxy_status_ = server_name;
  else
    append_quoted(proxy_status_, server_name);
  proxy_status_ += "; error=";
  proxy_status_ += row.token;
  proxy_status_ += "; details=";
  std::string details(row.name);
  if (!detail.empty()) details.append(": ").append(detail);
  append_quoted(proxy_status_, details);

  body_.append(std::to_string(row.status))
      .append(" ")
      .append(http::reason_phrase(row.status))
      .append("\n");
  body_.append(row.text).append("\n\n");
  body_.append("reason: ").append(details).append("\n");
  if (!request_id.empty()) body_.append("request id: ").append(request_id).append("\n");

  fields_.push_back({"Proxy-Status", proxy_status_});
  fields_.push_back({"Cache-Control", "no-store"});
  if (!request_id.empty()) fields_.push_back({"X-Request-Id", request_id});
  if (is_cured_by_time(failure)) fields_.push_back({"Retry-After", "1"});
  response_.status = row.status;
  response_.content_type = "text/plain; charset=utf-8";
  response_.body = body_;
  response_.fields = fields_;
}

void format_request_id(std::uint64_t high, std::uint64_t low, char* out32) {
  // Two digits a byte: this is on the way of every request.
  static constexpr auto kPairs = [] {
    constexpr char kDigits[] = "0123456789abcdef";
    std::array<std::array<char, 2>, 256> pairs{};
    for (std::size_t byte = 0; byte < 256; ++byte)
      pairs[byte] = {kDigits[byte >> 4], kDigits[byte & 15]};
    return pairs;
  }();
  for (std::size_t index = 0; index < 8; ++index) {
    std::memcpy(out32 + 2 * index, kPairs[high >> (56 - 8 * index) & 0xff].data(), 2);
    std::memcpy(out32 + 16 + 2 * index, kPairs[low >> (56 - 8 * index) & 0xff].data(), 2);
  }
}

}  // namespace weir::proxy
