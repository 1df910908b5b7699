#include "semantics.h"

#include <algorithm>

#include "framing.h"
#include "start_line.h"

namespace weir::http {
namespace {

struct RequestFields {
  FramingFields framing;
  const Field* host = nullptr;
  const Field* upgrade = nullptr;
  const Field* max_forwards = nullptr;
  bool has_several_upgrades = false;
  bool has_expectation = false;
};

bool is_expecting_continue_only(std::string_view list) {
  std::string_view member;
  bool has_any = false;
  while (next_list_member(list, member)) {
    if (!equals_ignoring_case(member, "100-continue")) return false;
    has_any = true;
  }
  return has_any;
}

bool says_trailers(std::string_view list) {
  std::string_view member;
  while (next_list_member(list, member))
    if (equals_ignoring_case(member, "trailers")) return true;
  return false;
}

Refusal collect(const Field& field, RequestHead& head, RequestFields& fields) {
  switch (field.id) {
    case FieldId::kHost:
      if (fields.host != nullptr) return {"two Host fields"};
      fields.host = &field;
      return {};
    case FieldId::kContentLength:
    case FieldId::kTransferEncoding:
    case FieldId::kConnection:
      return fields.framing.collect(field);
    case FieldId::kUpgrade:
      fields.has_several_upgrades = fields.upgrade != nullptr;
      fields.upgrade = &field;
      return {};
    case FieldId::kExpect:
      if (!is_expecting_continue_only(field.value))
        return {"an expectation other than 100-continue", Failure::expectation_failed};
      fields.has_expectation = true;
      return {};
    case FieldId::kTe:
      head.accepts_trailers |= says_trailers(field.value);
      return {};
    case FieldId::kMaxForwards:
      if (head.method != Method::kOptions && head.method != Method::kTrace) return {};
      if (fields.max_forwards != nullptr) return {"two Max-Forwards fields"};
      fields.max_forwards = &field;
      return {};
    default:
      return {};
  }
}

Refusal read_host(const RequestFields& fields, RequestHead& head) {
  if (fields.host == nullptr) return head.minor_version == 0 ? Refusal{} : Refusal{"no Host field"};
  std::string_view value = fields.host->value;
  if (head.absolute_scheme) {
    // RFC 9112 §3.2.2: the target's authority counts. But a Host that is none is an attempt on
    // whoever reads it nevertheless.
    if (value.empty()) return {};
    std::string_view authority = head.authority;
    if (!parse_authority(value, head)) return {"Host is not a valid host[:port]"};
    parse_authority(authority, head);
    return {};
  }
  if (value.empty()) return head.minor_version == 0 ? Refusal{} : Refusal{"an empty Host field"};
  if (!parse_authority(value, head)) return {"Host is not a valid host[:port]"};
  head.authority = value;
  return {};
}

}  // namespace

Refusal understand_request(RequestHead& head) {
  RequestFields fields;
  for (const Field& field : head.fields) {
    if (field.id == FieldId::kOther) continue;
    if (Refusal refusal = collect(field, head, fields)) return refusal;
  }
  if (Refusal refusal = read_framing(fields.framing, head.minor_version, head.body)) return refusal;
  if (Refusal refusal = read_host(fields, head)) return refusal;
  if (head.method == Method::kTrace && head.body.has_body()) return {"TRACE with a body"};
  if (fields.max_forwards != nullptr) {
    head.max_forwards = parse_decimal(fields.max_forwards->value);
    if (!head.max_forwards) return {"Max-Forwards is not a number"};
  }
  bool is_newer = head.minor_version > 0;
  head.wants_keep_alive = fields.framing.keeps_alive(head.minor_version);
  // RFC 9110 §10.1.1: not to be answered in 1.0, and without a body there is nothing to wait for.
  head.expects_continue = fields.has_expectation && is_newer && head.body.has_body();
  head.accepts_trailers &= is_newer;
  head.connection_names_fields = fields.framing.connection_names_fields;
  bool is_upgrade = is_newer && fields.framing.says_upgrade && fields.upgrade != nullptr;
  // Several fields are one list to some and a choice to others: then it is no upgrade.
  if (is_upgrade && !fields.has_several_upgrades) head.upgrade = fields.upgrade->value;
  return {};
}

namespace {

std::optional<std::uint64_t> keep_alive_timeout(std::string_view list) {
  constexpr std::string_view kName = "timeout=";
  std::string_view member;
  while (next_list_member(list, member)) {
    if (member.size() > kName.size() && equals_ignoring_case(member.substr(0, kName.size()), kName))
      return parse_decimal(member.substr(kName.size()));
  }
  return std::nullopt;
}

// RFC 9110 §7.8.
bool is_protocol(std::string_view text) {
  std::size_t name_size = std::min(text.find('/'), text.size());
  bool has_version = name_size < text.size();
  return is_all(text.substr(0, name_size), kTokenChar) &&
         (!has_version || is_all(text.substr(name_size + 1), kTokenChar));
}

// What follows a 101 is a tunnel to weir, so it must be one in every reading (R23).
Refusal read_switch(const FramingFields& fields, ResponseHead& head) {
  if (head.minor_version == 0) return {"a 101 in HTTP/1.0"};
  if (!fields.says_upgrade) return {"a 101 without Connection: upgrade"};
  if (fields.content_length != nullptr || fields.transfer_encoding != nullptr)
    return {"a 101 with body framing"};
  std::size_t upgrades = 0;
  for (const Field& field : head.fields) upgrades += field.id == FieldId::kUpgrade ? 1 : 0;
  head.upgrade = head.fields.value(FieldId::kUpgrade);
  if (upgrades != 1 || !is_protocol(head.upgrade)) return {"a 101 that names not one protocol"};
  return {};
}

bool has_no_body(Method request_method, int status) {
  return request_method == Method::kHead || status < 200 || status == 204 || status == 304;
}

}  // namespace

Refusal understand_response(Method request_method, ResponseHead& head) {
  FramingFields fields;
  for (const Field& field : head.fields) {
    if (field.id == FieldId::kOther) continue;
    if (Refusal refusal = fields.collect(field)) return refusal;
  }
  // Judged even where they mean nothing (R20): a backend that contradicts itself is not trusted on.
  BodyFraming declared;
  if (Refusal refusal = read_framing(fields, head.minor_version, declared)) return refusal;
  head.keeps_alive = fields.keeps_alive(head.minor_version);
  head.keep_alive_timeout_seconds = keep_alive_timeout(head.fields.value(FieldId::kKeepAlive));
  head.connection_names_fields = fields.connection_names_fields;
  if (head.status == 101)
    if (Refusal refusal = read_switch(fields, head)) return refusal;
  if (has_no_body(request_method, head.status)) {
    head.body = {};
    // Such a backend may send the body that it announced, as the next request's answer.
    if (head.status == 204 && declared.has_body()) head.keeps_alive = false;
  } else if (declared.kind == BodyKind::kNone) {
    head.body = {BodyKind::kUntilClose, 0};
  } else {
    head.body = declared;
  }
  if (head.status == 101 || head.body.kind == BodyKind::kUntilClose) head.keeps_alive = false;
  return {};
}

}  // namespace weir::http
