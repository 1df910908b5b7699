#pragma once
// Heads as weir sends them: written anew from the parsed form, with what an intermediary must
// remove and add (R13 to R19, R23, R26, R27). Pure; appends to a buffer.
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/address.h"
#include "weir/base/buffer.h"
#include "weir/base/failure.h"
#include "weir/base/time.h"
#include "weir/http/message.h"

namespace weir::http {

enum class ClientIpFrom : std::uint8_t { kXForwardedFor, kForwarded };

// A listener's part in forwarding.
struct TrustPolicy {
  std::vector<Cidr> trusted_proxies;
  ClientIpFrom client_ip_from = ClientIpFrom::kXForwardedFor;
  std::vector<std::string> upgrades = {"websocket"};  // lower case
};

// Who is really asking, as far as trusted proxies say so (R15). The walk goes from the right
// through trusted addresses; it ends early at an element that is no address, and keeps the last
// that was.
struct ClientIdentity {
  IpAddress client;  // the right-most address that is not trusted; the left-most when all are; else
                     // the peer
  bool is_peer_trusted = false;
  Scheme scheme = Scheme::kHttp;  // X-Forwarded-Proto of a trusted peer, else the listener's
};
ClientIdentity identify_client(const RequestHead& head, const IpAddress& peer,
                               Scheme listener_scheme, const TrustPolicy& policy);

// Whether a TRACE that ends here sends this field back (R07): no credentials (RFC 9110 §9.3.8), and
// none of the fields that proxies like us add, which tell of the hops in front; but Via is what
// TRACE is asked for.
bool may_echo(const Field& field);

// Whether the request asks for an upgrade that may tunnel: its token as the client wrote it, or
// empty (R19).
std::string_view allowed_upgrade(const RequestHead& head, const TrustPolicy& policy);

struct RequestForwarding {
  IpAddress peer{};  // the client connection's other end; unspecified: a Unix socket
  bool is_peer_trusted = false;
  Scheme scheme = Scheme::kHttp;  // how it reached us (or the trusted proxy)
  std::uint16_t listener_port = 0;
  std::string_view server_name{};  // ours, for Via
  std::string_view request_id{};   // to send; the client's own when trusted, else made by weir
  std::string_view host{};         // Host to send; empty: the request's authority
  std::string_view upgrade{};      // token to forward, or empty
  BodyFraming body{};              // as it will be sent (kLength or kChunked, or kNone)
  bool closes = false;             // tell the backend that its connection ends after this exchange
};
// The whole head with the empty line. Origin form. Always HTTP/1.1.
void append_request_head(Buffer& out, const RequestHead& head, const RequestForwarding& how);

// Failures that only forwarding sees: our own name in Via more than kMaxOwnVia times
// (loop_detected), Max-Forwards: 0 is not one (the caller answers). nullopt: forward it.
inline constexpr int kMaxOwnVia = 3;
std::optional<Failure> check_forwardable(const RequestHead& head, std::string_view server_name);

struct ResponseForwarding {
  std::string_view server_name{};  // for Via
  int client_minor_version = 1;
  BodyFraming body{};           // as it will be sent
  bool keep_alive = true;       // the client connection goes on afterwards
  bool sends_trailers = false;  // keep the Trailer field
  std::string_view upgrade{};   // of a 101: the protocol
  std::string_view
      date{};  // an IMF-fixdate to add when the response has none; may be empty for 1xx
};
// A final head or an informational one (status < 200: no framing, no Connection but for 101).
void append_response_head(Buffer& out, const ResponseHead& head, const ResponseForwarding& how);

// An answer of weir's own or of its admin interface.
struct LocalField {
  std::string_view name;
  std::string_view value;
};
struct LocalResponse {
  int status = 200;
  std::string_view content_type{};  // empty: no body, no Content-Type
  std::string_view body{};
  std::span<const LocalField> fields{};  // further ones
  bool keep_alive = true;
  int client_minor_version = 1;
  bool is_head = false;  // answer to HEAD: Content-Length but no body
  std::string_view date{};
};
void append_local_response(Buffer& out, const LocalResponse& response);

std::string_view reason_phrase(int status);
// Sun, 06 Nov 1994 08:49:37 GMT (RFC 9110 §5.6.7); exactly 29 bytes.
void format_http_date(WallTime time, char* out29);

// The path as routes see it (R11): unreserved characters decoded into `scratch` when there are any
// to decode, else `raw` itself.
std::string_view matching_path(std::string_view raw, std::string& scratch);
// A ".." segment in any spelling: %2e, a separator as %2f, %5c or '\', parameters behind ';', each
// also encoded repeatedly (R11). What is encoded more often than one can want counts as one.
// Allocates only for repeated encoding.
bool has_dot_dot_segment(std::string_view raw_path);

}  // namespace weir::http
