#include "arguments.h"

#include <algorithm>
#include <array>
#include <optional>

#include "nearest.h"

namespace weir::cli {
namespace {

// The options that not every command has; --admin, --token-file, --json and --help are everyone's.
enum Option : unsigned { kNoOption = 0, kWait = 1, kForce = 2, kConfig = 4, kMethod = 8, kAll = 16 };

struct Row {
  std::string_view name;
  Verb verb;
  unsigned options;
  std::size_t min_words;
  std::size_t max_words;
  std::string_view words;  // as help names them
};

constexpr Row kRows[] = {
    {"status", Verb::kStatus, kNoOption, 0, 0, ""},
    {"pools", Verb::kPools, kNoOption, 0, 1, "[NAME]"},
    {"routes", Verb::kRoutes, kNoOption, 0, 1, "[GLOB]"},
    {"explain", Verb::kExplain, kConfig | kMethod, 1, 1, "a URL"},
    {"diff", Verb::kDiff, kAll, 2, 2, "A and B, each a file or an admin address"},
    {"reload", Verb::kReload, kWait | kForce, 0, 0, ""},
    {"drain", Verb::kDrain, kWait, 0, 0, ""},
    {"ready", Verb::kReady, kWait, 0, 0, ""},
    {"backend", Verb::kBackend, kWait, 3, 3, "POOL|'*' ADDR drain|maint|ready"},
};

constexpr std::string_view kStates[] = {"drain", "maint", "ready"};

const Row* find_row(std::string_view name) {
  for (const Row& row : kRows)
    if (row.name == name) return &row;
  return nullptr;
}

Err<Error> usage(const Row& row, const std::string& what) {
  std::string command = "weir " + std::string(row.name);
  return Err{
      Error{"weir: " + std::string(row.name) + ": " + what + " (see " + command + " --help)"}};
}

std::string quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

// Takes one option off `words`, its value included.
Status<> take_option(const Row& row, const std::vector<std::string>& words, std::size_t& next,
                     Arguments& arguments) {
  std::string option = words[next++];
  std::optional<std::string> value;
  if (std::size_t equals = option.find('='); option.starts_with("--") && equals != option.npos) {
    value = option.substr(equals + 1);
    option.resize(equals);
  }
  auto has = [&row](Option its) { return (row.options & its) != 0; };
  bool is_config = has(kConfig) && (option == "-c" || option == "--config");
  std::string* text = option == "--admin"                     ? &arguments.admin
                      : option == "--token-file"              ? &arguments.token_file
                      : option == "--method" && has(kMethod) ? &arguments.method
                      : is_config                             ? &arguments.config
                                                              : nullptr;
  if (text != nullptr) {
    if (!value && next < words.size()) value = words[next++];
    if (!value || value->empty()) return usage(row, option + " needs a value");
    *text = *value;
    return Ok{};
  }
  bool* flag = option == "--json"                       ? &arguments.is_json
               : option == "--wait" && has(kWait)       ? &arguments.waits
               : option == "--force" && has(kForce)     ? &arguments.forces
               : option == "--all" && has(kAll)         ? &arguments.shows_all
               : option == "--help" || option == "-h"   ? &arguments.wants_help
                                                        : nullptr;
  if (flag == nullptr) return usage(row, "unknown option " + quoted(option));
  if (value) return usage(row, option + " takes no value");
  *flag = true;
  return Ok{};
}

Status<> take_words(const Row& row, const std::vector<std::string>& words, Arguments& arguments) {
  if (words.size() > row.max_words)
    return usage(row, "unknown argument " + quoted(words[row.max_words]));
  if (words.size() < row.min_words) return usage(row, "needs " + std::string(row.words));
  for (const std::string& word : words)
    if (word.empty()) return usage(row, "an argument is empty");
  if (row.verb == Verb::kDiff) {
    arguments.a = words[0];
    arguments.b = words[1];
    return Ok{};
  }
  if (row.verb != Verb::kBackend) {
    if (!words.empty()) (row.verb == Verb::kExplain ? arguments.url : arguments.name) = words[0];
    return Ok{};
  }
  arguments.pool = words[0];
  arguments.address = words[1];
  arguments.state = words[2];
  if (std::find(std::begin(kStates), std::end(kStates), arguments.state) != std::end(kStates))
    return Ok{};
  std::vector<std::string> states(std::begin(kStates), std::end(kStates));
  return usage(row, "unknown state " + quoted(arguments.state) + did_you_mean(words[2], states) +
                        ", expected drain, maint or ready");
}

}  // namespace

std::span<const std::string_view> command_names() {
  static constexpr auto kNames = [] {
    std::array<std::string_view, std::size(kRows)> names;
    for (std::size_t i = 0; i < names.size(); ++i) names[i] = kRows[i].name;
    return names;
  }();
  return kNames;
}

Result<Arguments> parse_arguments(const std::vector<std::string>& words,
                                  const Environment& environment) {
  const Row* row = words.empty() ? nullptr : find_row(words[0]);
  if (row == nullptr) return Err{Error{"weir: unknown command (see weir --help)"}};
  Arguments arguments;
  arguments.verb = row->verb;
  arguments.admin = environment.admin.empty() ? std::string(kDefaultAdmin) : environment.admin;
  arguments.token_file = environment.token_file;
  std::vector<std::string> plain;
  for (std::size_t next = 1; next < words.size();) {
    if (!words[next].starts_with('-')) {
      plain.push_back(words[next++]);
      continue;
    }
    Status<> taken = take_option(*row, words, next, arguments);
    if (!taken.ok()) return Err{taken.error()};
  }
  if (arguments.wants_help) return arguments;
  Status<> taken = take_words(*row, plain, arguments);
  if (!taken.ok()) return Err{taken.error()};
  return arguments;
}

}  // namespace weir::cli
