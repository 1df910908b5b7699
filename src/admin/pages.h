#pragma once
// The pages of pages.def and who may see them. Pure but for what the source tells.
#include <string>
#include <string_view>

#include "weir/admin/admin_source.h"
#include "weir/http/message.h"

namespace weir::admin {

struct Answer {
  int status = 200;
  std::string_view content_type;  // a constant
  std::string body;
  std::string_view allow;  // a constant; of a 405
};

using PageFunction = Answer (*)(const AdminSource& source);

// What a request gets once it is read: a page, or a refusal that was certain from its head.
struct Choice {
  PageFunction page = nullptr;
  Answer refusal;  // without a page
};
Choice choose(const http::RequestHead& head);

// {"error": code, "message": message} (CONTRACT §3).
Answer error_answer(int status, std::string_view code, std::string_view message);

}  // namespace weir::admin
