#pragma once
// Who asks. Web pages of others shall neither read nor change anything here, not even by a name of
// theirs that resolves to our address (DNS rebinding); people and programs show a token. Pure.
#include <string>

#include "weir/admin/access.h"
#include "weir/http/message.h"

namespace weir::admin {

// The request is for an IP address, for localhost, for one of the listed hosts, or (HTTP/1.0) for
// no host at all.
bool is_own_host(const http::RequestHead& head, const Access& access);

// It carries an Origin that is not the one it is sent to (RFC 6454 §7).
bool has_foreign_origin(const http::RequestHead& head);

struct TokenCheck {
  std::string name;        // of the token; empty: none that we know
  bool has_token = false;  // there was one at all
};
// Authorization: Bearer TOKEN (RFC 6750 §2.1), compared in a time that tells nothing of the tokens.
TokenCheck check_token(const http::RequestHead& head, const Access& access);

}  // namespace weir::admin
