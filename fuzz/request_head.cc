// The input is what a client sends. The head is the same however it is cut and wherever it lies, is
// read as naive_head.h reads it, and what weir would send to a backend reads as the same request.
#include "heads.h"
#include "weir/http/forward.h"

namespace weir::fuzz {
namespace {

using namespace http;

std::string described(const HeadResult& result, const RequestHead& head) {
  std::string out = fuzz::described(result);
  if (result.status != HeadStatus::kComplete) return out;
  for (std::string_view part : {head.method_text, head.target, head.path, head.query,
                                head.authority, head.host, head.upgrade})
    out.append(" <").append(part).append(">");
  for (int number : {static_cast<int>(head.method), static_cast<int>(head.form), head.minor_version,
                     head.absolute_scheme ? static_cast<int>(*head.absolute_scheme) : -1,
                     int{head.wants_keep_alive}, int{head.expects_continue},
                     int{head.accepts_trailers}, int{head.connection_names_fields}})
    out += " " + std::to_string(number);
  out += " " + fuzz::described(head.body) + " " + std::to_string(head.head_bytes);
  if (head.max_forwards) out += " hops " + std::to_string(*head.max_forwards);
  return out + fuzz::described(head.fields);
}

std::string read_in_pieces(std::string_view input, const std::vector<std::size_t>& ends,
                           const HeadLimits& limits) {
  RequestHead head;
  HeadProgress progress;
  HeadResult result;
  for (std::size_t end : ends) {
    Exact bytes(input.substr(0, end));
    result = parse_request_head(bytes.view(), limits, progress, head);
    if (result.status == HeadStatus::kComplete) return described(result, head);
    if (result.status == HeadStatus::kRefused) break;
  }
  return described(result, head);
}

void check_parts(const RequestHead& head, std::string_view input) {
  HOLDS(head.head_bytes <= input.size());
  HOLDS(!head.method_text.empty() && !head.path.empty());
  bool is_absolute = head.form == TargetForm::kAbsolute;
  HOLDS(is_absolute == (head.absolute_scheme.has_value() && head.form != TargetForm::kAsterisk));
  HOLDS(head.path.front() == '/' || head.path == "*");
  HOLDS(head.host == lower(head.host));
  HOLDS(head.host.empty() || !head.host.ends_with('.'));
  HOLDS(head.host.empty() == head.authority.empty());
  HOLDS(head.minor_version > 0 || head.upgrade.empty());
  HOLDS(head.minor_version > 0 || head.body.kind != BodyKind::kChunked);
}

// Of logs: never more than the bytes say, and of an accepted head just what it is.
void check_description(std::string_view input, const RequestHead* accepted) {
  Exact bytes(input);
  RequestHead head;
  describe_refused(bytes.view(), head);
  HOLDS(input.find(head.method_text) != std::string_view::npos);
  HOLDS(head.minor_version >= -1 && head.minor_version <= 1);
  if (accepted == nullptr) return;
  HOLDS(head.method_text == accepted->method_text && head.path == accepted->path);
  HOLDS(head.query == accepted->query && head.host == accepted->host);
  HOLDS(head.minor_version == accepted->minor_version);
}

// What the fuzzer's digest decides about the way on.
struct Way {
  explicit Way(std::string_view input) {
    Digest digest(input);
    bool is_v6 = digest.below(2) == 0;
    how.peer =
        is_v6 ? IpAddress::v6({0x20, 1, 0xd, 0xb8, 1}, 4711) : IpAddress::v4(0xc0000201, 4711);
    if (digest.below(2) == 0)
      policy.trusted_proxies.push_back(*Cidr::parse(is_v6 ? "2001:db8::/32" : "192.0.2.0/24"));
    if (digest.below(2) == 0) policy.client_ip_from = ClientIpFrom::kForwarded;
    if (digest.below(8) == 0) how.peer = {};
    how.server_name = "weir";
    how.request_id = "id-1";
    how.listener_port = 443;
    if (digest.below(4) == 0) how.host = "backend.internal:8080";
    how.closes = digest.below(4) == 0;
  }
  TrustPolicy policy;
  RequestForwarding how;
};

void check_ours(const RequestHead& sent, const RequestHead& head, const RequestForwarding& how) {
  std::string_view host = how.host.empty() ? head.authority : how.host;
  HOLDS(sent.authority == host, shown(sent.authority));
  int counts[64] = {};
  for (const Field& field : sent.fields) ++counts[static_cast<std::size_t>(field.id)];
  for (FieldId id : {FieldId::kHost, FieldId::kVia, FieldId::kForwarded, FieldId::kXRequestId,
                     FieldId::kXForwardedProto})
    HOLDS(counts[static_cast<std::size_t>(id)] == 1);
  for (FieldId id : {FieldId::kKeepAlive, FieldId::kProxyConnection, FieldId::kHttp2Settings,
                     FieldId::kFramingAlias})
    HOLDS(counts[static_cast<std::size_t>(id)] == 0);
  HOLDS(sent.fields.value(FieldId::kVia)
            .ends_with(head.minor_version == 0 ? "1.0 weir" : "1.1 weir"));
  HOLDS(sent.fields.value(FieldId::kXRequestId) == how.request_id);
  for (const Field& field : sent.fields) {
    if (how.is_peer_trusted) break;
    HOLDS(field.id != FieldId::kGatewayAlias, shown(field.name));
    // Nothing that an untrusted client wrote about itself.
    bool is_ours = field.id == FieldId::kXForwardedFor || field.id == FieldId::kXForwardedProto ||
                   field.id == FieldId::kXForwardedHost || field.id == FieldId::kXForwardedPort;
    HOLDS(is_ours || !has_forwarded_prefix(field.name), shown(field.name));
    if (field.id == FieldId::kXForwardedFor) HOLDS(field.value == how.peer.ip_text());
    if (field.id == FieldId::kForwarded)
      HOLDS(field.value.find("for=", 1) == std::string_view::npos, shown(field.value));
  }
  if (head.max_forwards)
    HOLDS(sent.max_forwards == *head.max_forwards - (*head.max_forwards > 0 ? 1 : 0));
}

void check_forwarded(const RequestHead& head, const NaiveHead& naive, std::string_view input) {
  Way way(input);
  RequestForwarding& how = way.how;
  ClientIdentity client = identify_client(head, how.peer, Scheme::kHttp, way.policy);
  HOLDS(client.is_peer_trusted || client.client == how.peer);
  how.is_peer_trusted = client.is_peer_trusted;
  how.scheme = client.scheme;
  how.upgrade = allowed_upgrade(head, way.policy);
  how.body = head.body;
  // RFC 9112 §3.2: of a 1.0 request without Host an empty one is sent, which weir as a server
  // of 1.1 would not take (R09).
  if (head.authority.empty() && how.host.empty()) how.host = "a";
  check_forwardable(head, how.server_name);
  Buffer out;
  append_request_head(out, head, how);

  RequestHead sent;
  HeadProgress progress;
  Exact bytes(out.view());
  HeadLimits limits{.start_line_bytes = 64 * 1024, .head_bytes = 256 * 1024, .fields = 200};
  HeadResult result = parse_request_head(bytes.view(), limits, progress, sent);
  auto what = [&] { return shown(bytes.view()) + "\n" + described(result, sent); };
  HOLDS(result.status == HeadStatus::kComplete, what());
  HOLDS(sent.head_bytes == bytes.view().size(), what());
  HOLDS(sent.method_text == head.method_text, what());
  bool is_slash_added = head.target.starts_with('?');
  HOLDS(sent.target == (is_slash_added ? "/" : "") + std::string(head.target), what());
  HOLDS(sent.path == head.path && sent.query == head.query, what());
  HOLDS(sent.body.kind == head.body.kind && sent.body.length == head.body.length, what());
  HOLDS(sent.expects_continue == head.expects_continue, what());
  HOLDS(sent.accepts_trailers == head.accepts_trailers, what());
  HOLDS(sent.upgrade == how.upgrade, what());
  HOLDS(sent.wants_keep_alive == !how.closes, what());
  HOLDS(!sent.connection_names_fields, what());
  HOLDS(passing(sent.fields, naive, false) == passing(head.fields, naive, false), what());
  check_ours(sent, head, how);
}

void check(std::string_view input, const HeadLimits& limits) {
  Digest digest(input);
  std::string whole = read_in_pieces(input, {input.size()}, limits);
  for (unsigned way = 1; way < kWaysToCut; ++way) {
    std::string in_pieces = read_in_pieces(input, cut(input.size(), way, digest), limits);
    HOLDS(in_pieces == whole,
          shown(input) + "\nwhole: " + shown(whole) + "\ncut: " + shown(in_pieces));
  }
  RequestHead head;
  HeadProgress progress;
  NaiveHead naive;
  HeadResult result = parse_request_head(input, limits, progress, head);
  check_agreement(result, naive_request(input, limits, naive), input);
  if (result.status == HeadStatus::kIncomplete) return;
  bool is_complete = result.status == HeadStatus::kComplete;
  check_description(input, is_complete ? &head : nullptr);
  if (!is_complete) return;
  HOLDS(head.head_bytes == naive.head_bytes);
  HOLDS(head.body.kind == naive.body && head.body.length == naive.length, shown(input));
  check_fields(head.fields, naive);
  check_parts(head, input);
  check_forwarded(head, naive, input);
}

}  // namespace

void run(std::string_view input) {
  for (const HeadLimits& limits : kLimits) check(input, limits);
}

}  // namespace weir::fuzz
