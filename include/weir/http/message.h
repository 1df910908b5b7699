#pragma once
// The parsed form of heads. Everything in it was understood and checked (shared rules R01 to R12
// and R20 to R24): code above never looks at raw bytes again. All views point into the bytes that
// were parsed, except `host`, which points into the head itself; so a head does not move. Meant to
// be reused (one per loop): parsing clears it and keeps its memory.
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "weir/http/fields.h"

namespace weir::http {

enum class Method : std::uint8_t {
  kGet,
  kHead,
  kPost,
  kPut,
  kDelete,
  kOptions,
  kTrace,
  kConnect,
  kPatch,
  kOther
};
Method method_of(std::string_view token);
// RFC 9110 §9.2.2: GET, HEAD, PUT, DELETE, OPTIONS, TRACE.
constexpr bool is_idempotent(Method method) {
  return method == Method::kGet || method == Method::kHead || method == Method::kPut ||
         method == Method::kDelete || method == Method::kOptions || method == Method::kTrace;
}

enum class Scheme : std::uint8_t { kHttp, kHttps };
constexpr std::string_view name_of(Scheme scheme) {
  return scheme == Scheme::kHttp ? "http" : "https";
}

// How a message's body is delimited on the wire (RFC 9112 §6.3).
enum class BodyKind : std::uint8_t { kNone, kLength, kChunked, kUntilClose };
struct BodyFraming {
  BodyKind kind = BodyKind::kNone;
  std::uint64_t length = 0;  // of kLength; may be 0
  bool has_body() const {
    return kind == BodyKind::kChunked || kind == BodyKind::kUntilClose || length > 0;
  }
};

enum class TargetForm : std::uint8_t { kOrigin, kAbsolute, kAsterisk };

struct RequestHead {
  RequestHead() = default;
  RequestHead(const RequestHead&) = delete;
  RequestHead& operator=(const RequestHead&) = delete;

  Method method = Method::kGet;
  std::string_view method_text;
  TargetForm form = TargetForm::kOrigin;
  std::string_view target;     // origin form as received: path and query, never the authority; "*".
                               // "?query" for an absolute form without a path; "/" is sent in front
  std::string_view path;       // target without the query
  std::string_view query;      // behind '?', without it
  int minor_version = 1;       // 0 for HTTP/1.0, 1 for everything newer (R06)
  std::string_view authority;  // host[:port] as received: of the absolute form, else the Host
                               // field; may be empty in 1.0
  std::string_view
      host;  // of the authority: lower case, no port, no trailing dot; empty = none (route "*")
  std::optional<Scheme> absolute_scheme;  // of the absolute form
  Fields fields;
  BodyFraming body;              // kNone, kLength or kChunked
  bool wants_keep_alive = true;  // after this exchange (R27, R29)
  bool expects_continue = false;
  bool accepts_trailers = false;  // TE: trailers (R17, R26)
  std::string_view
      upgrade;  // the Upgrade field's value when Connection names it and the version is 1.1
  std::optional<std::uint64_t> max_forwards;  // on OPTIONS and TRACE only (R07)
  // Connection lists more than close, keep-alive, te and upgrade: trailers of those names would be
  // hop-by-hop as well (R13), so that none may be forwarded.
  bool connection_names_fields = false;
  std::size_t head_bytes = 0;

  static constexpr std::size_t kMaxHostBytes = 255;
  std::array<char, kMaxHostBytes + 1> host_storage;
};

struct ResponseHead {
  ResponseHead() = default;
  ResponseHead(const ResponseHead&) = delete;
  ResponseHead& operator=(const ResponseHead&) = delete;

  int status = 0;
  std::string_view reason;
  int minor_version = 1;
  Fields fields;
  BodyFraming body;         // for 101: kNone
  bool keeps_alive = true;  // the connection may carry another request afterwards
  std::optional<std::uint64_t> keep_alive_timeout_seconds;  // Keep-Alive: timeout=N
  std::string_view upgrade;                                 // of a 101
  bool connection_names_fields = false;                     // as in RequestHead
  std::size_t head_bytes = 0;
  bool is_informational() const { return status < 200; }
};

}  // namespace weir::http
