#include "pages.h"

#include "json.h"
#include "origin.h"

namespace weir::admin {
namespace {

constexpr std::string_view kPlainText = "text/plain; charset=utf-8";
constexpr std::string_view kMetricsText = "text/plain; version=0.0.4; charset=utf-8";
constexpr std::string_view kJson = "application/json";

Answer healthz(const AdminSource&) { return {200, kPlainText, "ok\n", {}}; }

Answer readyz(const AdminSource& source) {
  ServiceState state = source.state();
  int status = state == ServiceState::kReady ? 200 : 503;
  return {status, kPlainText, std::string(name_of(state)) + "\n", {}};
}

Answer metrics(const AdminSource& source) { return {200, kMetricsText, source.metrics(), {}}; }

Answer api_status(const AdminSource& source) {
  return {200, kJson, status_json(source.state(), source.status()), {}};
}

struct Page {
  std::string_view path;
  std::string_view methods;
  PageFunction function;
};

constexpr Page kPages[] = {
#define PAGE(path, methods, function) {path, methods, function},
#include "pages.def"
#undef PAGE
};

bool allows(std::string_view methods, std::string_view wanted) {
  for (std::string_view method; http::next_list_member(methods, method);) {
    if (method == wanted) return true;
  }
  return false;
}

Answer not_found() {
  std::string message = "there is no such page; there are";
  for (const Page& page : kPages) {
    message += &page == kPages ? " " : ", ";
    message += page.path;
  }
  return error_answer(404, "not_found", message);
}

Answer method_not_allowed(const Page& page) {
  Answer answer =
      error_answer(405, "method_not_allowed", "this page answers " + std::string(page.methods));
  answer.allow = page.methods;
  return answer;
}

}  // namespace

Answer error_answer(int status, std::string_view code, std::string_view message) {
  return {status, kJson, error_json(code, message), {}};
}

Choice choose(const http::RequestHead& head) {
  if (!is_own_host(head)) {
    return {nullptr,
            error_answer(403, "foreign_host", "the Host must be an IP address or localhost")};
  }
  if (has_foreign_origin(head)) {
    return {nullptr,
            error_answer(403, "foreign_origin", "a page of another origin may not ask here")};
  }
  for (const Page& page : kPages) {
    if (page.path != head.path) continue;
    if (!allows(page.methods, head.method_text)) return {nullptr, method_not_allowed(page)};
    return {page.function, {}};
  }
  return {nullptr, not_found()};
}

}  // namespace weir::admin
