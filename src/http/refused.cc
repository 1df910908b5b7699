#include "blanks.h"
#include "framing.h"
#include "guards.h"
#include "start_line.h"
#include "weir/http/parser.h"

namespace weir::http {
namespace {

// Of the whole lines of `fields`: the host of the Host field; none of two.
void find_host(std::string_view fields, RequestHead& out) {
  bool has_host = false;
  for (;;) {
    std::size_t end = fields.find("\r\n");
    if (end == std::string_view::npos || end == 0) return;
    std::string_view line = fields.substr(0, end);
    std::size_t colon = line.find(':');
    fields.remove_prefix(end + 2);
    if (colon == std::string_view::npos || field_id(line.substr(0, colon)) != FieldId::kHost)
      continue;
    bool is_host = !has_host && parse_authority(without_blanks(line.substr(colon + 1)), out);
    has_host = true;
    if (!is_host) out.host = {};
  }
}

}  // namespace

void describe_refused(std::string_view bytes, RequestHead& out) {
  out.method_text = out.target = out.path = out.query = out.authority = out.host = {};
  out.minor_version = -1;
  if (bytes.starts_with("\r\n")) bytes.remove_prefix(2);
  std::size_t line_end = bytes.find("\r\n");
  std::string_view line = bytes.substr(0, line_end);
  std::size_t method_end = line.find(' ');
  if (method_end == std::string_view::npos || !is_all(line.substr(0, method_end), kTokenChar))
    return;
  out.method_text = line.substr(0, method_end);
  if (line_end == std::string_view::npos) return;
  if (parse_request_line(line, out)) out.target = out.path = out.query = out.host = {};
  if (out.host.empty()) find_host(bytes.substr(line_end + 2), out);
}

}  // namespace weir::http
