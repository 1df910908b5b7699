#include "field_parser.h"

#include <llhttp.h>

#include "weir/base/check.h"

static_assert(LLHTTP_STRICT_MODE == 1, "llhttp's loose mode is exploitable (DEPENDENCIES §2)");

namespace weir::http {
namespace {

struct Collector {
  Fields& out;
  std::string_view name{};
  std::string_view value{};
  bool is_complete = false;
};

Collector& collector_of(llhttp_t* parser) { return *static_cast<Collector*>(parser->data); }

// A non-zero return stops llhttp with HPE_USER. Spans come whole, as the section is fed in one go.
int on_name(llhttp_t* parser, const char* at, std::size_t size) {
  Collector& collector = collector_of(parser);
  if (!collector.name.empty()) return -1;
  collector.name = {at, size};
  // The neutral state of llhttp's own names (H_GENERAL): else it would refuse what is legal (HTAB
  // behind a length), take what is not (an empty Transfer-Encoding), and frame by its own reading.
  parser->header_state = 0;
  return 0;
}

int on_value(llhttp_t* parser, const char* at, std::size_t size) {
  Collector& collector = collector_of(parser);
  if (!collector.value.empty()) return -1;
  collector.value = {at, size};
  return 0;
}

bool is_blank(char c) { return c == ' ' || c == '\t'; }

int on_value_complete(llhttp_t* parser) {
  Collector& collector = collector_of(parser);
  std::string_view value = collector.value;
  while (!value.empty() && is_blank(value.front())) value.remove_prefix(1);
  while (!value.empty() && is_blank(value.back())) value.remove_suffix(1);
  collector.out.add(collector.name, value);
  collector.name = collector.value = {};
  return 0;
}

int on_complete(llhttp_t* parser) {
  collector_of(parser).is_complete = true;
  return 0;
}

llhttp_settings_t make_settings() {
  llhttp_settings_t settings;
  llhttp_settings_init(&settings);
  settings.on_header_field = on_name;
  settings.on_header_value = on_value;
  settings.on_header_value_complete = on_value_complete;
  settings.on_headers_complete = on_complete;
  return settings;
}

const llhttp_settings_t kSettings = make_settings();

// Behind a request line of ours: llhttp knows a fixed list of methods, and peers' request and
// status lines are parsed by weir.
llhttp_t make_start() {
  constexpr std::string_view kLine = "GET / HTTP/1.1\r\n";
  llhttp_t parser;
  llhttp_init(&parser, HTTP_REQUEST, &kSettings);
  llhttp_errno_t error = llhttp_execute(&parser, kLine.data(), kLine.size());
  WEIR_CHECK(error == HPE_OK);
  return parser;
}

const llhttp_t kStart = make_start();

}  // namespace

Refusal parse_fields(std::string_view section, Fields& out) {
  if (section.size() == 2) return {};
  Collector collector{out};
  llhttp_t parser = kStart;
  parser.data = &collector;
  llhttp_errno_t error = llhttp_execute(&parser, section.data(), section.size());
  if (error == HPE_OK && collector.is_complete) return {};
  if (error == HPE_INVALID_HEADER_TOKEN || error == HPE_UNEXPECTED_SPACE)
    return {"a field line that is not a token, a colon and a value"};
  return {"a malformed field line"};
}

}  // namespace weir::http
