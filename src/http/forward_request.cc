#include <algorithm>

#include "guards.h"
#include "hop_by_hop.h"
#include "weir/http/forward.h"
#include "writer.h"

namespace weir::http {
namespace {

// RFC 9110 §5.6.4: a backslash escapes within quotation marks, and only there.
bool is_quoting_closed(std::string_view text) {
  bool is_quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"')
      is_quoted = !is_quoted;
    else if (text[i] == '\\' && is_quoted)
      ++i;
  }
  return !is_quoted;
}

class RequestWriter {
 public:
  RequestWriter(Buffer& out, const RequestHead& head, const RequestForwarding& how)
      : head_(head), how_(how), named_(head.fields), writer_(out, bound()) {
    bool has_address = !how.peer.is_unspecified();
    if (has_address) peer_text_ = {peer_storage_, how.peer.format_ip(peer_storage_)};
  }

  void write() {
    write_line();
    write_fields();
    write_ours();
    writer_.put("\r\n");
    writer_.finish();
  }

 private:
  static constexpr std::size_t kPeerBytes = 46;

  std::string_view host() const { return how_.host.empty() ? head_.authority : how_.host; }

  std::size_t bound() const {
    // Names, punctuation and numbers of everything in write_ours().
    constexpr std::size_t kOursBytes = 768;
    return kOursBytes + head_.method_text.size() + head_.target.size() + wire_bytes(head_.fields) +
           host().size() + 2 * head_.authority.size() + how_.server_name.size() +
           how_.request_id.size() + how_.upgrade.size() + 3 * kPeerBytes;
  }

  void write_line() {
    writer_.put(head_.method_text);
    writer_.put(' ');
    // An absolute form with a query but no path.
    if (head_.target.starts_with('?')) writer_.put('/');
    writer_.put(head_.target);
    writer_.put(" HTTP/1.1\r\n");
    writer_.put_field("Host", host());
  }

  void write_fields() {
    LineRun run(writer_);
    bool is_any_named = !named_.is_empty();
    for (const Field& field : head_.fields) {
      if (is_any_named || kExamined.contains(field.id) || has_forwarded_prefix(field.name)) {
        run.finish();
        write_field(field);
      } else {
        run.put(field);
      }
    }
    run.finish();
  }

  // Those that is_dropped() and write_field() know by their id.
  static constexpr FieldIds kExamined = kHopByHop + FieldIds{FieldId::kHost,
                                                             FieldId::kVia,
                                                             FieldId::kForwarded,
                                                             FieldId::kXForwardedFor,
                                                             FieldId::kXForwardedProto,
                                                             FieldId::kXRequestId,
                                                             FieldId::kFramingAlias,
                                                             FieldId::kTrailer,
                                                             FieldId::kExpect,
                                                             FieldId::kGatewayAlias,
                                                             FieldId::kContentLength,
                                                             FieldId::kMaxForwards,
                                                             FieldId::kXForwardedHost,
                                                             FieldId::kXForwardedPort};

  // Not written in its place: not at all, or by write_ours().
  bool is_dropped(const Field& field) const {
    using enum FieldId;
    if (named_.contains(field.name) || is_hop_by_hop(field.id)) return true;
    // Frameworks obey more of them than the four that weir writes.
    if (!how_.is_peer_trusted && has_forwarded_prefix(field.name)) return true;
    switch (field.id) {
      case kHost:
      case kVia:
      case kForwarded:
      case kXForwardedFor:
      case kXForwardedProto:
      case kXRequestId:
      case kFramingAlias:
        return true;
      case kTrailer:
        return how_.body.kind != BodyKind::kChunked;
      case kExpect:
        // RFC 9110 §10.1.1: means nothing in 1.0; forwarded as 1.1 it would.
        return head_.minor_version == 0;
      case kGatewayAlias:
        return !how_.is_peer_trusted;
      default:
        return false;
    }
  }

  void write_field(const Field& field) {
    using enum FieldId;
    if (is_dropped(field)) return;
    switch (field.id) {
      case kContentLength:
        return write_length();
      case kMaxForwards:
        if (!head_.max_forwards) break;
        return writer_.put_field(field.name, *head_.max_forwards - (*head_.max_forwards > 0));
      case kXForwardedHost:
        has_forwarded_host_ = true;
        break;
      case kXForwardedPort:
        has_forwarded_port_ = true;
        break;
      default:
        break;
    }
    writer_.put_field(field.name, field.value);
  }

  void write_length() {
    if (how_.body.kind != BodyKind::kLength || has_length_) return;
    writer_.put_field("Content-Length", how_.body.length);
    has_length_ = true;
  }

  void write_ours() {
    write_length();
    if (how_.body.kind == BodyKind::kChunked) writer_.put("Transfer-Encoding: chunked\r\n");
    write_connection();
    begin_list("Via", FieldId::kVia, true);
    put_separator();
    writer_.put(head_.minor_version == 0 ? "1.0 " : "1.1 ");
    writer_.put(how_.server_name);
    writer_.put("\r\n");
    write_forwarded_for();
    writer_.put_field("X-Forwarded-Proto", name_of(how_.scheme));
    if (!has_forwarded_host_ && !head_.authority.empty())
      writer_.put_field("X-Forwarded-Host", head_.authority);
    if (!has_forwarded_port_ && how_.listener_port != 0)
      writer_.put_field("X-Forwarded-Port", std::uint64_t{how_.listener_port});
    write_forwarded();
    if (!how_.request_id.empty()) writer_.put_field("X-Request-Id", how_.request_id);
  }

  void write_connection() {
    if (head_.accepts_trailers) writer_.put("TE: trailers\r\n");
    if (!how_.upgrade.empty()) writer_.put_field("Upgrade", how_.upgrade);
    is_list_begun_ = false;
    if (how_.closes) put_connection_option("close");
    if (!how_.upgrade.empty()) put_connection_option("upgrade");
    if (head_.accepts_trailers) put_connection_option("TE");
    if (is_list_begun_) writer_.put("\r\n");
  }
  void put_connection_option(std::string_view option) {
    if (!is_list_begun_) writer_.put("Connection: ");
    put_separator();
    writer_.put(option);
  }

  // "Name: " and, when kept, all received values of that name as one list. Whoever reads only the
  // first or the last line of a name still reads everything.
  void begin_list(std::string_view name, FieldId id, bool keeps_received) {
    writer_.put(name);
    writer_.put(": ");
    is_list_begun_ = false;
    if (!keeps_received) return;
    for (const Field& field : head_.fields) {
      if (field.id != id || field.value.empty()) continue;
      put_separator();
      writer_.put(field.value);
    }
  }
  void put_separator() {
    if (is_list_begun_) writer_.put(", ");
    is_list_begun_ = true;
  }

  // A quotation mark left open in what was received would swallow our element.
  bool are_quotes_closed() const {
    for (const Field& field : head_.fields)
      if (field.id == FieldId::kForwarded && !is_quoting_closed(field.value)) return false;
    return true;
  }

  void write_forwarded_for() {
    // A Unix socket's other end has no address: then there is only what a trusted one said.
    bool has_received =
        how_.is_peer_trusted && !head_.fields.value(FieldId::kXForwardedFor).empty();
    if (peer_text_.empty() && !has_received) return;
    begin_list("X-Forwarded-For", FieldId::kXForwardedFor, how_.is_peer_trusted);
    if (!peer_text_.empty()) {
      put_separator();
      writer_.put(peer_text_);
    }
    writer_.put("\r\n");
  }

  // RFC 7239 §4, §6: an IPv6 address is bracketed and quoted, a host with a port is quoted.
  void write_forwarded() {
    begin_list("Forwarded", FieldId::kForwarded, how_.is_peer_trusted && are_quotes_closed());
    put_separator();
    writer_.put("for=");
    if (peer_text_.empty()) {
      writer_.put("unknown");
    } else if (how_.peer.is_v6()) {
      writer_.put("\"[");
      writer_.put(peer_text_);
      writer_.put("]\"");
    } else {
      writer_.put(peer_text_);
    }
    if (!head_.authority.empty()) {
      bool is_token = head_.authority.find_first_of(":[") == std::string_view::npos;
      writer_.put(is_token ? ";host=" : ";host=\"");
      writer_.put(head_.authority);
      if (!is_token) writer_.put('"');
    }
    writer_.put(";proto=");
    writer_.put(name_of(how_.scheme));
    writer_.put("\r\n");
  }

  const RequestHead& head_;
  const RequestForwarding& how_;
  NamedFields named_;
  Writer writer_;
  char peer_storage_[kPeerBytes];
  std::string_view peer_text_;
  bool is_list_begun_ = false;
  bool has_length_ = false;
  bool has_forwarded_host_ = false;
  bool has_forwarded_port_ = false;
};

// The received-by of a Via member: behind the protocol, in front of a comment (RFC 9110 §7.6.3).
std::string_view received_by(std::string_view member) {
  member.remove_prefix(std::min(member.find_first_not_of(" \t"), member.size()));
  std::size_t begin = member.find_first_of(" \t");
  if (begin == std::string_view::npos) return {};
  begin = std::min(member.find_first_not_of(" \t", begin), member.size());
  std::size_t end = std::min(member.find_first_of(" \t(", begin), member.size());
  return member.substr(begin, end - begin);
}

}  // namespace

void append_request_head(Buffer& out, const RequestHead& head, const RequestForwarding& how) {
  RequestWriter(out, head, how).write();
}

std::optional<Failure> check_forwardable(const RequestHead& head, std::string_view server_name) {
  int own = 0;
  for (const Field& field : head.fields) {
    if (field.id != FieldId::kVia) continue;
    // Via has no quoted strings: a lone quotation mark must not hide what follows.
    for (std::string_view list = field.value; !list.empty();) {
      std::size_t end = std::min(list.find(','), list.size());
      own += equals_ignoring_case(received_by(list.substr(0, end)), server_name) ? 1 : 0;
      list.remove_prefix(std::min(end + 1, list.size()));
    }
  }
  if (own > kMaxOwnVia) return Failure::loop_detected;
  return std::nullopt;
}

bool may_echo(const Field& field) {
  switch (field.id) {
    case FieldId::kCookie:
    case FieldId::kAuthorization:
    case FieldId::kForwarded:
    case FieldId::kXRequestId:
    case FieldId::kGatewayAlias:
      return false;
    default:
      return !has_forwarded_prefix(field.name) &&
             !equals_ignoring_case(field.name, "Proxy-Authorization");
  }
}

std::string_view allowed_upgrade(const RequestHead& head, const TrustPolicy& policy) {
  std::string_view list = head.upgrade;
  std::string_view token;
  while (next_list_member(list, token)) {
    // h2c would carry requests past every rule of this proxy.
    if (!is_all(token, kTokenChar) || equals_ignoring_case(token, "h2c")) continue;
    for (const std::string& allowed : policy.upgrades)
      if (equals_ignoring_case(token, allowed)) return token;
  }
  return {};
}

}  // namespace weir::http
