// The input is what a backend sends. As for requests: one reading however it is cut, the naive
// reading is the same, and what weir sends to a client, of 1.1 or of 1.0, reads as the same answer.
#include "heads.h"
#include "weir/http/forward.h"

namespace weir::fuzz {
namespace {

using namespace http;

std::string described(const HeadResult& result, const ResponseHead& head) {
  std::string out = fuzz::described(result);
  if (result.status != HeadStatus::kComplete) return out;
  out.append(" <").append(head.reason).append("> <").append(head.upgrade).append(">");
  for (int number :
       {head.status, head.minor_version, int{head.keeps_alive}, int{head.connection_names_fields}})
    out += " " + std::to_string(number);
  out += " " + fuzz::described(head.body) + " " + std::to_string(head.head_bytes);
  if (head.keep_alive_timeout_seconds)
    out += " idle " + std::to_string(*head.keep_alive_timeout_seconds);
  return out + fuzz::described(head.fields);
}

std::string read_in_pieces(std::string_view input, const std::vector<std::size_t>& ends,
                           const HeadLimits& limits, Method method) {
  ResponseHead head;
  HeadProgress progress;
  HeadResult result;
  for (std::size_t end : ends) {
    Exact bytes(input.substr(0, end));
    result = parse_response_head(bytes.view(), limits, progress, method, head);
    if (result.status == HeadStatus::kComplete) return described(result, head);
    if (result.status == HeadStatus::kRefused) break;
  }
  return described(result, head);
}

// As InboundConnection frames an answer (R20, R27).
BodyFraming framing_for(const ResponseHead& head, int minor_version) {
  BodyFraming body = head.body;
  if (body.kind == BodyKind::kChunked || body.kind == BodyKind::kUntilClose)
    body.kind = minor_version == 0 ? BodyKind::kUntilClose : BodyKind::kChunked;
  return body;
}

void check_forwarded(const ResponseHead& head, const NaiveHead& naive, Method method,
                     int minor_version) {
  if (head.is_informational() && minor_version == 0) return;
  ResponseForwarding how;
  how.server_name = "weir";
  how.client_minor_version = minor_version;
  how.body = framing_for(head, minor_version);
  how.keep_alive = head.keeps_alive && how.body.kind != BodyKind::kUntilClose;
  how.upgrade = head.upgrade;
  how.date = "Fri, 20 Nov 2026 03:27:34 GMT";
  Buffer out;
  append_response_head(out, head, how);

  ResponseHead sent;
  HeadProgress progress;
  Exact bytes(out.view());
  HeadLimits limits{.start_line_bytes = 64 * 1024, .head_bytes = 256 * 1024, .fields = 200};
  HeadResult result = parse_response_head(bytes.view(), limits, progress, method, sent);
  auto what = [&] { return shown(bytes.view()) + "\n" + described(result, sent); };
  HOLDS(result.status == HeadStatus::kComplete, what());
  HOLDS(sent.head_bytes == bytes.view().size(), what());
  HOLDS(sent.status == head.status && sent.reason == head.reason, what());
  HOLDS(sent.minor_version == 1, what());
  HOLDS(sent.body.kind == how.body.kind && sent.body.length == how.body.length, what());
  HOLDS(sent.upgrade == head.upgrade, what());
  HOLDS(!sent.connection_names_fields, what());
  HOLDS(passing(sent.fields, naive, true) == passing(head.fields, naive, true), what());
  HOLDS(
      sent.fields.value(FieldId::kVia).ends_with(head.minor_version == 0 ? "1.0 weir" : "1.1 weir"),
      what());
  if (!head.is_informational()) {
    HOLDS(sent.keeps_alive == how.keep_alive, what());
    HOLDS(sent.fields.find(FieldId::kDate) != nullptr, what());
  }
  bool may_have_length = !head.is_informational() && head.status != 204;
  HOLDS(may_have_length || sent.fields.find(FieldId::kContentLength) == nullptr, what());
}

void check(std::string_view input, const HeadLimits& limits, Method method) {
  Digest digest(input);
  std::string whole = read_in_pieces(input, {input.size()}, limits, method);
  for (unsigned way = 1; way < kWaysToCut; ++way) {
    std::string in_pieces = read_in_pieces(input, cut(input.size(), way, digest), limits, method);
    HOLDS(in_pieces == whole,
          shown(input) + "\nwhole: " + shown(whole) + "\ncut: " + shown(in_pieces));
  }
  ResponseHead head;
  HeadProgress progress;
  NaiveHead naive;
  HeadResult result = parse_response_head(input, limits, progress, method, head);
  check_agreement(result, naive_response(input, limits, method, naive), input);
  if (result.status == HeadStatus::kRefused) HOLDS(result.failure == Failure::bad_response);
  if (result.status != HeadStatus::kComplete) return;
  HOLDS(head.head_bytes == naive.head_bytes);
  HOLDS(head.body.kind == naive.body && head.body.length == naive.length, shown(input));
  HOLDS(!head.keeps_alive || head.body.kind != BodyKind::kUntilClose);
  HOLDS((head.status == 101) == !head.upgrade.empty());
  check_fields(head.fields, naive);
  for (int minor_version : {0, 1}) check_forwarded(head, naive, method, minor_version);
}

}  // namespace

void run(std::string_view input) {
  for (const HeadLimits& limits : kLimits)
    for (Method method : {Method::kGet, Method::kHead}) check(input, limits, method);
}

}  // namespace weir::fuzz
