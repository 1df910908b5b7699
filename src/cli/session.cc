#include "session.h"

#include <utility>

namespace weir::cli {

Result<Answer, Problem> Session::get(const std::string& path, std::string_view expected) {
  return ask("GET", path, expected);
}

Result<Answer, Problem> Session::post(const std::string& path, std::string_view expected) {
  return ask("POST", path, expected);
}

Problem Session::refusal(const std::string& code, const std::string& message) const {
  const std::string& where = client_.target().text;
  if (code == "no_token")
    return {code, "weir: " + where +
                      " wants a token (name its file with --token-file or WEIR_TOKEN_FILE)"};
  if (code == "wrong_token")
    return {code, "weir: " + where + " refuses the token from " + token_file_ +
                      " (is it one of its [admin] token_file?)"};
  // A reload's errors come as they would from weir check.
  bool has_prefix = message.starts_with("weir: ");
  return {code, (has_prefix ? "" : "weir: ") + message};
}

Problem Session::not_weir(const std::string& what) const {
  return {"", "weir: what answers at " + client_.target().text +
                  " is not weir's admin interface (" + what +
                  "; --admin or WEIR_ADMIN names another address)"};
}

Problem Session::problem_of(const Response& response, const Json& json) const {
  std::string code = text_at(json, "error");
  // The proxy's pages have the same form, and a request's id.
  bool is_refusal = !code.empty() && !json.contains("request_id");
  if (response.status >= 400 && is_refusal) return refusal(code, text_at(json, "message"));
  std::string what = std::to_string(response.status) + " " + response.reason;
  if (!response.content_type.empty()) what += ", " + response.content_type;
  return not_weir(what);
}

Result<Answer, Problem> Session::ask(std::string_view method, const std::string& path,
                                     std::string_view expected) {
  Result<Response> response = client_.ask(method, path);
  if (!response.ok()) return Err{Problem{"", response.error().message}};
  Answer answer{std::move(response->body), {}};
  answer.json = Json::parse(answer.text, nullptr, false);
  if (response->status / 100 == 2 && answer.json.is_object() && answer.json.contains(expected))
    return answer;
  return Err{problem_of(*response, answer.json)};
}

Result<std::string, Problem> Session::get_text(const std::string& path) {
  Result<Response> response = client_.ask("GET", path);
  if (!response.ok()) return Err{Problem{"", response.error().message}};
  if (response->status / 100 == 2) return std::move(response->body);
  return Err{problem_of(*response, Json::parse(response->body, nullptr, false))};
}

}  // namespace weir::cli
