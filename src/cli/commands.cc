// Each command: what it asks for, what it prints, what it waits for.
#include <algorithm>
#include <cstdio>
#include <tuple>
#include <utility>

#include "arguments.h"
#include "diff_command.h"
#include "nearest.h"
#include "session.h"
#include "tables.h"
#include "views.h"
#include "weir/base/glob.h"

namespace weir::cli {
namespace {

constexpr int kFailed = 1;
constexpr int kInvalid = 2;
constexpr Duration kFirstLook = std::chrono::milliseconds(50);
constexpr Duration kMaxBetweenLooks = std::chrono::seconds(1);
constexpr std::size_t kMaxListed = 8;
constexpr std::size_t kRowsAtOnce = 10'000;

class Command {
 public:
  Command(const Arguments& arguments, Session& session, const Environment& environment)
      : arguments_(arguments),
        session_(session),
        has_colours_(environment.has_colours),
        is_watched_(environment.is_watched) {}

  int run() {
    switch (arguments_.verb) {
      case Verb::kStatus:
        return status();
      case Verb::kPools:
        return arguments_.name.empty() ? pools() : pool();
      case Verb::kRoutes:
        return routes();
      case Verb::kExplain:
        return explain();
      case Verb::kDiff:
        return kInvalid;  // asks two
      case Verb::kReload:
        return reload();
      case Verb::kDrain:
        return drain();
      case Verb::kReady:
        return ready();
      case Verb::kBackend:
        return backend();
    }
    return kInvalid;
  }

 private:
  static void print(const std::string& text) { std::fwrite(text.data(), 1, text.size(), stdout); }

  int fail(const Problem& problem) const {
    std::fprintf(stderr, "%s\n", problem.message.c_str());
    bool is_invalid = problem.code == "invalid_configuration" || problem.code == "bad_url" ||
                      problem.code == "bad_method";
    return is_invalid ? kInvalid : kFailed;
  }

  static void say_warnings(const Json& answer) {
    for (const Json& warning : at(answer, "warnings"))
      if (warning.is_string())
        std::fprintf(stderr, "weir: warning: %s\n", warning.get<std::string>().c_str());
  }

  // The answer of an action, once it and what was waited for are done.
  int tell(const Answer& answer, const std::string& text) const {
    print(arguments_.is_json ? answer.text : text + "\n");
    return 0;
  }

  int status() {
    Result<Answer, Problem> answer = session_.get("/api/status", "generation");
    if (!answer.ok()) return fail(answer.error());
    print(arguments_.is_json ? answer->text : status_text(answer->json, has_colours_));
    return 0;
  }

  int pools() {
    Result<Answer, Problem> answer = session_.get("/api/pools", "pools");
    if (!answer.ok()) return fail(answer.error());
    print(arguments_.is_json ? answer->text : pools_text(answer->json, has_colours_));
    return 0;
  }

  int pool() {
    Result<Answer, Problem> answer =
        session_.get("/api/pools/" + percent_encoded(arguments_.name), "backends");
    if (!answer.ok()) return fail(with_suggestion(answer.error(), arguments_.name, ""));
    print(arguments_.is_json ? answer->text : pool_text(answer->json, has_colours_));
    return 0;
  }

  // Adds what was probably meant to an error about a name.
  Problem with_suggestion(Problem problem, const std::string& pool, const std::string& address) {
    bool is_about_pool = problem.code == "unknown_pool";
    if (!is_about_pool && problem.code != "unknown_backend") return problem;
    Result<Answer, Problem> all = session_.get("/api/pools", "pools");
    if (!all.ok()) return problem;
    std::vector<std::string> names;
    for (const Json& entry : at(all->json, "pools")) {
      if (is_about_pool) names.push_back(text_at(entry, "name"));
      if (is_about_pool || (pool != "*" && text_at(entry, "name") != pool)) continue;
      for (const Json& backend : at(entry, "backends"))
        names.push_back(text_at(backend, "address"));
    }
    std::string meant = did_you_mean(is_about_pool ? pool : address, names);
    problem.message += meant.empty() ? list_of(names) : meant;
    return problem;
  }

  // " (there are "a", "b")": a few names say more than none.
  static std::string list_of(const std::vector<std::string>& names) {
    if (names.empty() || names.size() > kMaxListed) return "";
    std::string list;
    for (const std::string& name : names)
      list.append(list.empty() ? names.size() == 1 ? " (there is \"" : " (there are \"" : ", \"")
          .append(name)
          .append("\"");
    return list + ")";
  }

  int routes() {
    Snapshot table;
    bool is_exact = !arguments_.name.empty() && !has_glob(arguments_.name);
    std::string parameters;
    if (is_exact)
      parameters = "&host=" + percent_encoded(host_of(arguments_.name));
    else if (!arguments_.name.empty())
      parameters = "&glob=" + percent_encoded(arguments_.name);
    Result<Ok, Problem> read = read_routes(session_, parameters, table);
    if (!read.ok()) return fail(read.error());
    std::string_view path = std::string_view(arguments_.name).substr(host_of(arguments_.name).size());
    if (is_exact && !path.empty())
      std::erase_if(table.routes, [path](const RouteRow& row) { return row.path != path; });
    if (is_exact && table.routes.empty() && !arguments_.is_json) return covering_routes();
    return print_routes(table);
  }

  static std::string host_of(const std::string& name) { return name.substr(0, name.find('/')); }

  // There is no route of that name: who answers instead?
  int covering_routes() {
    bool is_pattern = arguments_.name.front() == '.';
    Result<Answer, Problem> answer = session_.get(
        "/api/explain?url=" + percent_encoded("http://" + arguments_.name), "outcome");
    std::string host = answer.ok() ? text_at(at(answer->json, "route"), "host") : "";
    if (is_pattern || host.empty()) {
      std::fprintf(stderr, "weir: no route matches\n");
      return kFailed;
    }
    Snapshot table;
    Result<Ok, Problem> read = read_routes(session_, "&host=" + percent_encoded(host), table);
    if (!read.ok()) return fail(read.error());
    std::fprintf(stderr, "weir: there is no route \"%s\"; for it answers %s:\n",
                 painted(arguments_.name, Colour::kNone, false).c_str(), host.c_str());
    return print_routes(table);
  }

  int print_routes(Snapshot& table) const {
    // The table has an order of its own, which says nothing to people.
    std::sort(table.routes.begin(), table.routes.end(), [](const RouteRow& a, const RouteRow& b) {
      return std::tie(a.host, a.path, a.scheme) < std::tie(b.host, b.path, b.scheme);
    });
    if (arguments_.is_json) {
      print_routes_json(table);
      return 0;
    }
    if (table.routes.empty()) {
      std::fprintf(stderr, "weir: no route matches\n");
      return kFailed;
    }
    TextTable text(has_colours_);
    add_route_heading(text);
    for (std::size_t at = 0; at < table.routes.size(); ++at) {
      add_route(text, table.routes[at]);
      if (at % kRowsAtOnce == kRowsAtOnce - 1) print(text.take_text());
    }
    print(text.take_text());
    return 0;
  }

  static void print_routes_json(const Snapshot& table) {
    print("{\"generation\":" + std::to_string(table.generation) +
          ",\"total\":" + std::to_string(table.routes.size()) + ",\"routes\":[");
    for (std::size_t at = 0; at < table.routes.size(); ++at)
      print((at == 0 ? "\n" : ",\n") +
            route_json(table.routes[at]).dump(-1, ' ', false, Json::error_handler_t::replace));
    print("]}\n");
  }

  int explain() {
    Result<Answer, Problem> answer =
        session_.get("/api/explain?method=" + percent_encoded(arguments_.method) +
                         "&url=" + percent_encoded(arguments_.url),
                     "outcome");
    if (!answer.ok()) return fail(answer.error());
    print(arguments_.is_json ? answer->text : explain_text(answer->json, has_colours_));
    return 0;
  }

  int reload() {
    Result<Answer, Problem> answer =
        session_.post(arguments_.forces ? "/api/reload?force=1" : "/api/reload", "generation");
    if (!answer.ok()) return fail(answer.error());
    if (arguments_.waits) {
      if (int code = wait_for_status([](const Json& status) {
            return number_at(status, "removed_backends_in_flight") == 0;
          }))
        return code;
    }
    say_warnings(answer->json);
    return tell(*answer, "generation " + std::to_string(number_at(answer->json, "generation")) +
                             ": " + text_at(answer->json, "summary"));
  }

  int drain() {
    Result<Answer, Problem> answer = session_.post("/api/drain", "state");
    if (!answer.ok()) return fail(answer.error());
    if (arguments_.waits) {
      if (int code = wait_for_status([](const Json& status) {
            return number_at(at(status, "totals"), "requests_in_flight") == 0;
          }))
        return code;
    }
    return tell(*answer, arguments_.waits ? "out of service, nothing is in flight"
                                          : "out of service (weir ready takes it back)");
  }

  int ready() {
    Result<Answer, Problem> answer = session_.post("/api/ready", "state");
    if (!answer.ok()) return fail(answer.error());
    if (arguments_.waits) {
      if (int code = wait_for_status(
              [](const Json& status) { return text_at(status, "state") == "ready"; }))
        return code;
    }
    return tell(*answer, "in service");
  }

  // Lets time pass between two looks, more and more of it, and says so once to a person.
  void pause() {
    session_.wait(pause_);
    pause_ = std::min(pause_ * 2, kMaxBetweenLooks);
    if (pause_ < kMaxBetweenLooks || has_said_waiting_) return;
    has_said_waiting_ = true;
    if (is_watched_)
      std::fprintf(stderr, "weir: done, waiting for what is in flight (Ctrl-C ends the waiting)\n");
  }

  // Looks at the status until `is_done`. Returns the exit code of a failure.
  template <typename IsDone>
  int wait_for_status(IsDone is_done) {
    for (;;) {
      Result<Answer, Problem> status = session_.get("/api/status", "generation");
      if (!status.ok()) return fail(status.error());
      if (is_done(status->json)) return 0;
      pause();
    }
  }

  int backend() {
    Result<Answer, Problem> answer =
        session_.post("/api/pools/" + percent_encoded(arguments_.pool) + "/backends/" +
                          percent_encoded(arguments_.address) + "/" + arguments_.state,
                      "matched");
    if (!answer.ok())
      return fail(with_suggestion(answer.error(), arguments_.pool, arguments_.address));
    say_warnings(answer->json);
    std::uint64_t in_flight = number_at(answer->json, "in_flight");
    if (arguments_.waits) {
      Result<Ok, Problem> waited =
          arguments_.state == "ready" ? wait_for_use() : wait_for_silence();
      if (!waited.ok()) return fail(waited.error());
      in_flight = 0;
    }
    std::string text =
        counted(number_at(answer->json, "matched"), "backend") + ": " + arguments_.state;
    if (arguments_.state != "ready") text += ", " + counted(in_flight, "request") + " in flight";
    return tell(*answer, text);
  }

  // The backends in question as they are now.
  Result<std::vector<Json>, Problem> look() {
    Result<Answer, Problem> answer =
        session_.get("/api/pools?address=" + percent_encoded(arguments_.address), "pools");
    if (!answer.ok()) return Err{answer.error()};
    std::vector<Json> backends;
    for (const Json& pool : at(answer->json, "pools")) {
      if (arguments_.pool != "*" && text_at(pool, "name") != arguments_.pool) continue;
      for (const Json& backend : at(pool, "backends")) backends.push_back(backend);
    }
    return backends;
  }

  template <typename IsDone>
  Result<Ok, Problem> wait_for_backends(IsDone is_done) {
    for (;;) {
      Result<std::vector<Json>, Problem> backends = look();
      if (!backends.ok()) return Err{backends.error()};
      bool are_all_done = true;
      for (const Json& backend : *backends) are_all_done = are_all_done && is_done(backend);
      if (are_all_done && (!backends->empty() || arguments_.state != "ready")) return Ok{};
      if (backends->empty())
        return Err{Problem{"", "weir: a reload has removed the backend meanwhile"}};
      pause();
    }
  }
  Result<Ok, Problem> wait_for_silence() {
    return wait_for_backends(
        [](const Json& backend) { return number_at(backend, "in_flight") == 0; });
  }
  Result<Ok, Problem> wait_for_use() {
    return wait_for_backends([](const Json& backend) { return is_true_at(backend, "usable"); });
  }

  const Arguments& arguments_;
  Session& session_;
  bool has_colours_;
  bool is_watched_;
  Duration pause_ = kFirstLook;
  bool has_said_waiting_ = false;
};

int fail_usage(const Error& error) {
  std::fprintf(stderr, "%s\n", error.message.c_str());
  return kInvalid;
}

// Of a file, without anybody to ask.
int explain_file(const Arguments& arguments, const Environment& environment) {
  Result<std::string> json =
      environment.files->explain(arguments.config, arguments.url, arguments.method);
  if (!json.ok()) return fail_usage(json.error());
  std::string text = arguments.is_json ? *json
                                       : explain_text(Json::parse(*json, nullptr, false),
                                                      environment.has_colours);
  std::fwrite(text.data(), 1, text.size(), stdout);
  return 0;
}

}  // namespace

int run(const std::vector<std::string>& words, const Environment& environment) {
  Result<Arguments> arguments = parse_arguments(words, environment);
  if (!arguments.ok()) return fail_usage(arguments.error());
  if (arguments->wants_help) {
    std::string_view text = help_text(words[0]);
    std::fwrite(text.data(), 1, text.size(), stdout);
    return 0;
  }
  if (!arguments->config.empty()) return explain_file(*arguments, environment);
  if (arguments->verb == Verb::kDiff) return diff_command(*arguments, environment);
  Result<Target> target = parse_target(arguments->admin);
  if (!target.ok()) return fail_usage(target.error());
  std::string token;
  if (!arguments->token_file.empty()) {
    Result<std::string> read = read_token(arguments->token_file);
    if (!read.ok()) return fail_usage(read.error());
    token = std::move(read).value();
  }
  Client client(std::move(target).value(), std::move(token));
  Session session(client, arguments->token_file);
  return Command(*arguments, session, environment).run();
}

}  // namespace weir::cli
