#include "hop_by_hop.h"
#include "weir/http/forward.h"
#include "writer.h"

namespace weir::http {
namespace {

class ResponseWriter {
 public:
  ResponseWriter(Buffer& out, const ResponseHead& head, const ResponseForwarding& how)
      : head_(head), how_(how), named_(head.fields), writer_(out, bound()) {
    WEIR_CHECK(how.body.kind != BodyKind::kChunked || how.client_minor_version > 0);
  }

  void write() {
    writer_.put("HTTP/1.1 ");
    writer_.put_number(static_cast<std::uint64_t>(head_.status));
    writer_.put(' ');
    writer_.put(head_.reason);
    writer_.put("\r\n");
    write_fields();
    write_ours();
    writer_.put("\r\n");
    writer_.finish();
  }

 private:
  std::size_t bound() const {
    constexpr std::size_t kOursBytes = 384;
    return kOursBytes + head_.reason.size() + wire_bytes(head_.fields) + how_.server_name.size() +
           how_.upgrade.size() + how_.date.size();
  }

  void write_fields() {
    LineRun run(writer_);
    bool is_any_named = !named_.is_empty();
    for (const Field& field : head_.fields) {
      has_date_ |= field.id == FieldId::kDate;
      if (is_any_named || kExamined.contains(field.id)) {
        run.finish();
        write_field(field);
      } else {
        run.put(field);
      }
    }
    run.finish();
  }

  // Those that write_field() knows by their id.
  static constexpr FieldIds kExamined =
      kHopByHop + FieldIds{FieldId::kVia, FieldId::kContentLength, FieldId::kTrailer};

  void write_field(const Field& field) {
    if (named_.contains(field.name) || is_hop_by_hop(field.id)) return;
    switch (field.id) {
      case FieldId::kVia:
        return;
      case FieldId::kContentLength:
        return write_length(field);
      case FieldId::kTrailer:
        if (!how_.sends_trailers) return;
        break;
      default:
        break;
    }
    writer_.put_field(field.name, field.value);
  }

  void write_length(const Field& field) {
    if (head_.is_informational() || head_.status == 204 || has_length_) return;
    has_length_ = true;
    if (how_.body.kind == BodyKind::kLength)
      writer_.put_field("Content-Length", how_.body.length);
    else if (how_.body.kind == BodyKind::kNone)  // HEAD or 304: what a GET would have
      writer_.put_field(field.name, parse_decimal(field.value).value_or(0));
  }

  void write_ours() {
    if (how_.body.kind == BodyKind::kLength && !has_length_)
      writer_.put_field("Content-Length", how_.body.length);
    if (how_.body.kind == BodyKind::kChunked) writer_.put("Transfer-Encoding: chunked\r\n");
    write_via();
    if (head_.status == 101) {
      if (!how_.upgrade.empty()) writer_.put_field("Upgrade", how_.upgrade);
      writer_.put("Connection: upgrade\r\n");
    }
    if (head_.is_informational()) return;
    if (!has_date_ && !how_.date.empty()) writer_.put_field("Date", how_.date);
    if (!how_.keep_alive || how_.body.kind == BodyKind::kUntilClose)
      writer_.put("Connection: close\r\n");
    else if (how_.client_minor_version == 0)
      writer_.put("Connection: keep-alive\r\n");
  }

  void write_via() {
    writer_.put("Via: ");
    for (const Field& field : head_.fields) {
      if (field.id != FieldId::kVia || field.value.empty()) continue;
      writer_.put(field.value);
      writer_.put(", ");
    }
    writer_.put(head_.minor_version == 0 ? "1.0 " : "1.1 ");
    writer_.put(how_.server_name);
    writer_.put("\r\n");
  }

  const ResponseHead& head_;
  const ResponseForwarding& how_;
  NamedFields named_;
  Writer writer_;
  bool has_length_ = false;
  bool has_date_ = false;
};

bool has_length_field(int status) { return status >= 200 && status != 204 && status != 304; }

}  // namespace

void append_response_head(Buffer& out, const ResponseHead& head, const ResponseForwarding& how) {
  ResponseWriter(out, head, how).write();
}

void append_local_response(Buffer& out, const LocalResponse& response) {
  std::string_view reason = reason_phrase(response.status);
  bool has_body = !response.content_type.empty() && has_length_field(response.status);
  std::string_view body = has_body ? response.body : std::string_view{};
  std::size_t bound =
      256 + reason.size() + response.content_type.size() + body.size() + response.date.size();
  for (const LocalField& field : response.fields)
    bound += field.name.size() + field.value.size() + 4;
  Writer writer(out, bound);
  writer.put("HTTP/1.1 ");
  writer.put_number(static_cast<std::uint64_t>(response.status));
  writer.put(' ');
  writer.put(reason);
  writer.put("\r\n");
  if (!response.date.empty()) writer.put_field("Date", response.date);
  if (has_body) writer.put_field("Content-Type", response.content_type);
  if (has_length_field(response.status))
    writer.put_field("Content-Length", std::uint64_t{body.size()});
  for (const LocalField& field : response.fields) writer.put_field(field.name, field.value);
  if (!response.keep_alive)
    writer.put("Connection: close\r\n");
  else if (response.client_minor_version == 0)
    writer.put("Connection: keep-alive\r\n");
  writer.put("\r\n");
  if (!response.is_head) writer.put(body);
  writer.finish();
}

std::string_view reason_phrase(int status) {
  struct Row {
    int status;
    std::string_view phrase;
  };
  static constexpr Row kRows[] = {{100, "Continue"},
                                  {101, "Switching Protocols"},
                                  {102, "Processing"},
                                  {103, "Early Hints"},
                                  {200, "OK"},
                                  {201, "Created"},
                                  {202, "Accepted"},
                                  {203, "Non-Authoritative Information"},
                                  {204, "No Content"},
                                  {205, "Reset Content"},
                                  {206, "Partial Content"},
                                  {300, "Multiple Choices"},
                                  {301, "Moved Permanently"},
                                  {302, "Found"},
                                  {303, "See Other"},
                                  {304, "Not Modified"},
                                  {307, "Temporary Redirect"},
                                  {308, "Permanent Redirect"},
                                  {400, "Bad Request"},
                                  {401, "Unauthorized"},
                                  {402, "Payment Required"},
                                  {403, "Forbidden"},
                                  {404, "Not Found"},
                                  {405, "Method Not Allowed"},
                                  {406, "Not Acceptable"},
                                  {407, "Proxy Authentication Required"},
                                  {408, "Request Timeout"},
                                  {409, "Conflict"},
                                  {410, "Gone"},
                                  {411, "Length Required"},
                                  {412, "Precondition Failed"},
                                  {413, "Content Too Large"},
                                  {414, "URI Too Long"},
                                  {415, "Unsupported Media Type"},
                                  {416, "Range Not Satisfiable"},
                                  {417, "Expectation Failed"},
                                  {421, "Misdirected Request"},
                                  {422, "Unprocessable Content"},
                                  {423, "Locked"},
                                  {425, "Too Early"},
                                  {426, "Upgrade Required"},
                                  {428, "Precondition Required"},
                                  {429, "Too Many Requests"},
                                  {431, "Request Header Fields Too Large"},
                                  {451, "Unavailable For Legal Reasons"},
                                  {500, "Internal Server Error"},
                                  {501, "Not Implemented"},
                                  {502, "Bad Gateway"},
                                  {503, "Service Unavailable"},
                                  {504, "Gateway Timeout"},
                                  {505, "HTTP Version Not Supported"},
                                  {507, "Insufficient Storage"},
                                  {508, "Loop Detected"}};
  for (const Row& row : kRows)
    if (row.status == status) return row.phrase;
  return "Unknown";
}

}  // namespace weir::http
