#pragma once
// A URL as people write it into a command, to the request that a client would make of it. Pure.
#include <optional>
#include <string>

#include "weir/admin/admin_source.h"
#include "weir/admin/explain_view.h"
#include "weir/http/parser.h"

namespace weir::server {

struct AskedRequest {
  http::Scheme scheme = http::Scheme::kHttp;
  std::string host;  // as RequestHead::host
  std::string path;  // raw, without query
  // weir would refuse the request's head, for this reason.
  std::optional<http::HeadResult> refused;
};

// http://HOST[:PORT][/PATH][?QUERY], https://…, or without scheme (http). The error teaches what a
// URL for this is.
Result<AskedRequest, admin::Refusal> read_url(const admin::ExplainQuery& query);

}  // namespace weir::server
