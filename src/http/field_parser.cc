#include "field_parser.h"

#include <llhttp.h>

#include "weir/base/check.h"

static_assert(LLHTTP_STRICT_MODE == 1, "llhttp's loose mode is exploitable (DEPENDENCIES §2)");

namespace weir::http {
namespace {

int on_name(llhttp_t* parser, const char* at, std::size_t size) {
  *static_cast<std::string_view*>(parser->data) = {at, size};
  return 0;
}

// Behind the colon. Not earlier: of "Content-Length : 5" llhttp reports the name and then refuses.
int on_name_complete(llhttp_t*) { return HPE_PAUSED; }

llhttp_settings_t make_settings() {
  llhttp_settings_t settings;
  llhttp_settings_init(&settings);
  settings.on_header_field = on_name;
  settings.on_header_field_complete = on_name_complete;
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

bool is_blank(char c) { return c == ' ' || c == '\t'; }

// A field of the line that begins with `name` and ends at `end`.
void add_field(Fields& out, std::string_view name, const char* end) {
  const char* begin = name.data() + name.size() + 1;  // behind the colon
  const char* value = begin;
  while (value < end && is_blank(*value)) ++value;
  const char* value_end = end;
  while (value_end > value && is_blank(value_end[-1])) --value_end;
  bool is_verbatim = value_end == end && value == begin + 1 && *begin == ' ';
  out.add(name, {value, value_end}, is_verbatim);
}

}  // namespace

// Each line is a first one to llhttp, which is left at its colon: of the rest it would walk every
// byte, for nothing. The guards let through exactly the bytes that it takes in a value, and refuse
// what it would make of a line end; and it never comes to its own reading of Content-Length,
// Transfer-Encoding and Connection, which refuses what is legal (HTAB behind a length) and takes
// what is not (an empty Transfer-Encoding).
Refusal parse_fields(std::string_view bytes, std::size_t begin, const LineEnds& ends, Fields& out) {
  constexpr std::size_t kLineEnd = 2;
  std::size_t section_end = bytes.size() - kLineEnd;  // in front of the empty line
  llhttp_t parser;
  std::string_view name;
  for (std::size_t at = begin, line = 0; at < section_end; ++line) {
    parser = kStart;
    parser.data = &name;
    llhttp_errno_t error = llhttp_execute(&parser, bytes.data() + at, bytes.size() - at);
    if (error != HPE_PAUSED) return {"a field line that is not a token, a colon and a value"};
    std::size_t end = line < ends.count() ? ends[line] : bytes.find('\r', at);
    add_field(out, name, bytes.data() + end);
    at = end + kLineEnd;
  }
  return {};
}

}  // namespace weir::http
