#include "page_text.h"

#include <algorithm>
#include <iterator>

#include "weir/base/json_text.h"
#include "weir/config/pages.h"
#include "weir/http/forward.h"

namespace weir::proxy {
namespace {

using config::Placeholder;

constexpr std::string_view kText =
    "{status} {status_text}\n"
    "{message}\n"
    "\n"
    "reason: {reason}\n"
    "request id: {request_id}\n";

constexpr std::string_view kJson =
    "{\"error\":\"{reason}\",\"message\":\"{message}\",\"status\":{status},"
    "\"request_id\":\"{request_id}\"}\n";

// Colours are the reader's own, dark where the reader prefers dark; nothing is loaded from
// elsewhere.
constexpr std::string_view kHtml = R"(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>{status} {status_text}</title>
<style>
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 34rem; margin: 15vh auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; }
dl { font-size: 0.875rem; margin-top: 2rem; border-top: 1px solid; padding-top: 1rem; }
dt, dd { display: inline; margin: 0; }
dd { font-family: ui-monospace, monospace; overflow-wrap: anywhere; }
dd::after { content: "\A"; white-space: pre; }
</style>
</head>
<body>
<main>
<h1>{status} {status_text}</h1>
<p>{message}</p>
<dl>
<dt>Reason:</dt> <dd>{reason}</dd>
<dt>Request id:</dt> <dd>{request_id}</dd>
</dl>
</main>
</body>
</html>
)";

void append_html(std::string& out, std::string_view text) {
  for (char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
}

// Request ids of trusted proxies may hold any byte of a field; pages are UTF-8.
std::string as_utf8(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    std::size_t good = first_not_utf8(text);
    out += text.substr(0, good);
    text.remove_prefix(good);
    if (text.empty()) break;
    out += "\xef\xbf\xbd";
    text.remove_prefix(1);
  }
  return out;
}

void append_escaped(std::string& out, std::string_view text, Form form) {
  switch (form) {
    case Form::kText:
      out += as_utf8(text);
      return;
    case Form::kHtml:
      append_html(out, as_utf8(text));
      return;
    case Form::kJson:
      append_json_text(out, text);
      return;
  }
}

}  // namespace

std::string_view builtin_page(Form form) {
  switch (form) {
    case Form::kText:
      return kText;
    case Form::kHtml:
      return kHtml;
    case Form::kJson:
      return kJson;
  }
  return {};
}

void append_page(std::string& out, std::string_view page, Form form, Failure failure,
                 std::string_view request_id) {
  const FailureRow& row = row_of(failure);
  auto value_of = [&](Placeholder placeholder) -> std::string {
    switch (placeholder) {
      case Placeholder::kStatus:
        return std::to_string(row.status);
      case Placeholder::kStatusText:
        return std::string(http::reason_phrase(row.status));
      case Placeholder::kReason:
        return std::string(row.name);
      case Placeholder::kMessage:
        return std::string(row.text);
      case Placeholder::kRequestId:
        return std::string(request_id);
    }
    return {};
  };
  while (!page.empty()) {
    std::size_t brace = std::min(page.find('{'), page.size());
    out += page.substr(0, brace);
    page.remove_prefix(brace);
    auto name = std::find_if(std::begin(config::kPlaceholders), std::end(config::kPlaceholders),
                             [&](std::string_view word) {
                               return page.size() > word.size() + 1 &&
                                      page[word.size() + 1] == '}' &&
                                      page.substr(1, word.size()) == word;
                             });
    if (name != std::end(config::kPlaceholders)) {
      auto placeholder =
          static_cast<Placeholder>(std::distance(std::begin(config::kPlaceholders), name));
      append_escaped(out, value_of(placeholder), form);
      page.remove_prefix(name->size() + 2);
    } else if (!page.empty()) {
      out += page.front();
      page.remove_prefix(1);
    }
  }
}

}  // namespace weir::proxy
