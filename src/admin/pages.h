#pragma once
// The pages of pages.def and who may see them.
#include <string>
#include <string_view>
#include <vector>

#include "reply.h"
#include "weir/admin/access.h"
#include "weir/admin/admin_source.h"
#include "weir/http/message.h"

namespace weir::admin {

// What a page needs of its request; outlives the head.
struct PageRequest {
  std::vector<std::string> arguments;  // what stood for the capitals of its path
  std::string query;                   // raw
  std::string by;                      // who asks
};

using PageFunction = void (*)(AdminSource& source, const PageRequest& request, Reply reply);

// What a request gets once it is read: a page, or a refusal that was certain from its head.
struct Choice {
  PageFunction page = nullptr;
  PageRequest request;
  Answer refusal;              // without a page
  std::string audited_action;  // empty: the request changes nothing
};
// Pure.
Choice choose(const http::RequestHead& head, const Arrival& arrival, const Access& access);

// pages.cc
void healthz(AdminSource& source, const PageRequest& request, Reply reply);
void readyz(AdminSource& source, const PageRequest& request, Reply reply);
void metrics(AdminSource& source, const PageRequest& request, Reply reply);
void api_status(AdminSource& source, const PageRequest& request, Reply reply);
void api_pools(AdminSource& source, const PageRequest& request, Reply reply);
void api_pool(AdminSource& source, const PageRequest& request, Reply reply);
void api_routes(AdminSource& source, const PageRequest& request, Reply reply);
void api_explain(AdminSource& source, const PageRequest& request, Reply reply);
void api_requests(AdminSource& source, const PageRequest& request, Reply reply);
// actions.cc
void api_reload(AdminSource& source, const PageRequest& request, Reply reply);
void api_drain(AdminSource& source, const PageRequest& request, Reply reply);
void api_ready(AdminSource& source, const PageRequest& request, Reply reply);
void drain_backend(AdminSource& source, const PageRequest& request, Reply reply);
void maint_backend(AdminSource& source, const PageRequest& request, Reply reply);
void ready_backend(AdminSource& source, const PageRequest& request, Reply reply);

}  // namespace weir::admin
