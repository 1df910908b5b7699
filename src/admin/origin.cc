#include "origin.h"

#include "weir/base/address.h"

namespace weir::admin {
namespace {

// "http://127.0.0.1:8042" → "127.0.0.1:8042"; empty for "null" and whatever is no web page's
// origin.
std::string_view authority_of(std::string_view origin) {
  for (std::string_view scheme : {"http://", "https://"}) {
    if (http::equals_ignoring_case(origin.substr(0, scheme.size()), scheme)) {
      return origin.substr(scheme.size());
    }
  }
  return {};
}

}  // namespace

bool is_own_host(const http::RequestHead& head) {
  return head.host.empty() || head.host == "localhost" || IpAddress::parse(head.host).ok();
}

bool has_foreign_origin(const http::RequestHead& head) {
  for (const http::Field& field : head.fields) {
    if (field.id != http::FieldId::kOrigin) continue;
    std::string_view authority = authority_of(field.value);
    // The scheme may be either: who ends TLS in front of us leaves the rest as it is.
    if (authority.empty() || !http::equals_ignoring_case(authority, head.authority)) return true;
  }
  return false;
}

}  // namespace weir::admin
