#pragma once
// What the fields of a parsed head mean for the message as a whole. Pure.
#include "guards.h"
#include "weir/http/message.h"

namespace weir::http {

// Fills everything in `head` that start line and fields decide together; both are there already.
Refusal understand_request(RequestHead& head);
Refusal understand_response(Method request_method, ResponseHead& head);

}  // namespace weir::http
