#include "reply.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>

#include "page_text.h"

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

void append_proxy_status(std::string& out, const FailureCase& what) {
  const FailureRow& row = row_of(what.failure);
  if (is_structured_token(what.server_name))
    out = what.server_name;
  else
    append_quoted(out, what.server_name);
  out.append("; error=").append(row.token).append("; details=");
  std::string details(row.name);
  if (!what.detail.empty()) details.append(": ").append(what.detail);
  append_quoted(out, details);
}

struct PageText {
  Form form = Form::kText;
  std::string_view text;
};

// RFC 9110 §12.5.1: what the client wants most; of what it wants alike an own page, and of those
// the one that is listed first. A client that wants none of it gets that, too.
PageText choose(const FailureCase& what) {
  std::vector<PageText> candidates;
  if (what.pages != nullptr) {
    if (const auto* files = what.pages->find(what.failure, what.host))
      for (const config::PageFile& file : *files) candidates.push_back({file.form, *file.text});
  }
  for (Form form : {Form::kText, Form::kHtml, Form::kJson}) {
    bool is_own = std::any_of(candidates.begin(), candidates.end(),
                              [form](const PageText& page) { return page.form == form; });
    if (!is_own) candidates.push_back({form, builtin_page(form)});
  }
  return *std::max_element(candidates.begin(), candidates.end(),
                           [&](const PageText& a, const PageText& b) {
                             return what.wanted.rank(a.form) < what.wanted.rank(b.form);
                           });
}

}  // namespace

FailurePage::FailurePage(const FailureCase& what) {
  append_proxy_status(proxy_status_, what);
  PageText page = choose(what);
  append_page(body_, page.text, page.form, what.failure, what.request_id);
  fields_.push_back({"Proxy-Status", proxy_status_});
  fields_.push_back({"Cache-Control", "no-store"});
  fields_.push_back({"Vary", "Accept"});
  fields_.push_back({"X-Request-Id", what.request_id});
  if (is_cured_by_time(what.failure)) fields_.push_back({"Retry-After", "1"});
  response_.status = row_of(what.failure).status;
  response_.content_type = http::content_type_of(page.form);
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
