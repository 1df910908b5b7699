#pragma once
// The admin interface as commands see it: JSON, or why not in words for stderr.
#include <string>
#include <string_view>

#include "client.h"
#include "json.h"

namespace weir::cli {

struct Answer {
  std::string text;  // as it came
  Json json;
};

// What went wrong. `code` is the API's word for it; empty: it never came to an answer.
struct Problem {
  std::string code;
  std::string message;  // lines for stderr, each with "weir: "
};

class Session {
 public:
  // `token_file`: for messages; empty: none.
  Session(Client& client, std::string token_file)
      : client_(client), token_file_(std::move(token_file)) {}
  // `expected`: a key that the answer has if weir sent it.
  Result<Answer, Problem> get(const std::string& path, std::string_view expected);
  // The answer as it came, not looked at.
  Result<std::string, Problem> get_text(const std::string& path);
  // About an answer that weir would not send.
  Problem not_weir(const std::string& what) const;
  Result<Answer, Problem> post(const std::string& path, std::string_view expected);
  void wait(Duration duration) { client_.wait(duration); }

 private:
  Result<Answer, Problem> ask(std::string_view method, const std::string& path,
                              std::string_view expected);
  Problem problem_of(const Response& response, const Json& json) const;
  Problem refusal(const std::string& code, const std::string& message) const;
  Client& client_;
  std::string token_file_;
};

}  // namespace weir::cli
