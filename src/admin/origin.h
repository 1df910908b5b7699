#pragma once
// Who asks, as far as a browser tells: web pages of others shall neither read nor change anything
// here, not even by a name of theirs that resolves to our address (DNS rebinding). Pure.
#include "weir/http/message.h"

namespace weir::admin {

// The request is for an IP address, for localhost, or (HTTP/1.0) for no host at all.
bool is_own_host(const http::RequestHead& head);

// It carries an Origin that is not the one it is sent to (RFC 6454 §7).
bool has_foreign_origin(const http::RequestHead& head);

}  // namespace weir::admin
