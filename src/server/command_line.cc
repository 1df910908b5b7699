#include "command_line.h"

#include <algorithm>
#include <charconv>

#include "weir/cli/cli.h"

namespace weir::server {

namespace {

struct CommandRow {
  std::string_view name;
  Command command;
  std::string_view help;
};

constexpr std::string_view kUsage = R"(weir - HTTP/1.1 reverse-proxy load balancer

  weir run [-c FILE]             serve in the foreground
  weir demo [--port N] [--admin-port N]
                                 try it: sample runners and a sample table, no file needed
  weir check [-c FILE] [--dump]  say what run would say of the configuration, without serving
  weir explain -c FILE URL       say where a request would go, and why
  weir diff A B                  how two tables differ; each a FILE, or the admin address of a
                                 running weir
  weir version                   print the version

The running weir, by its admin interface:
  weir status                    state, listeners, table, totals
  weir pools [NAME]              pools, or the backends of one
  weir routes [GLOB]             routes
  weir explain [--method M] URL  where a request goes, why, and which backends may get it
  weir reload [--force] [--wait] read the configuration anew and say what changed
  weir drain [--wait]            take the whole node out of service
  weir ready [--wait]            and back
  weir backend POOL|'*' ADDR drain|maint|ready [--wait]
                                 one backend out of service and back

  weir COMMAND --help            more about one command

FILE: ./weir.toml if there is one, else /etc/weir/weir.toml.
Signals: TERM, INT, QUIT drain and exit; HUP reloads the configuration; USR1 reopens the access log.
Exit: 0 success, 1 failed, 2 bad usage or invalid configuration.
)";

constexpr CommandRow kCommands[] = {
    {"run", Command::kRun, R"(weir run [-c FILE]

Serves in the foreground until TERM, INT or QUIT; its log goes to stderr.

  -c, --config FILE   the configuration; default ./weir.toml, else /etc/weir/weir.toml

Signals
  TERM, INT, QUIT     drain: /readyz says 503 and answers carry Connection: close for
                      drain_notice; then listeners close and requests in flight have
                      drain_timeout. A second one exits at once with 1.
  HUP                 reload the configuration. So does a change of its files, unless
                      [routes] watch = false.
  USR1                reopen the access log, after it was renamed.
)"},
    {"demo", Command::kDemo, R"(weir demo [--port N] [--admin-port N]

Serves a sample table on 127.0.0.1 with three sample runners inside the process and
prints curl lines to try. Reads and writes no file.

  --port N            of the proxy; default 8080, 0 = any free one
  --admin-port N      of the admin interface; default 8042, 0 = any free one
)"},
    {"check", Command::kCheck, R"(weir check [-c FILE] [--dump]

Loads the configuration as run would, without binding, and prints all errors. Where it may read
the last good table in [server] state_dir it compares with that as a start does: what would go on
being served as it was, and what would be held back. It writes nothing.

  -c, --config FILE   the configuration; default ./weir.toml, else /etc/weir/weir.toml
  --dump              print the effective configuration and where each value comes from; of
                      map files how many entries each has, and the pools that they make
  --all               with --dump: every one of these pools, and every entry of the maps

Exit: 0 clean, 1 it would serve, with entries quarantined, 2 run would not start.
)"},
    {"version", Command::kVersion,
     "weir version\n\nPrints the version. The same as weir --version.\n"},
    {"help", Command::kHelp, kUsage},
};

// Commands of the contract whose feature is not in this version.
constexpr std::string_view kLater[] = {"top", "deploy"};

const CommandRow* find_command(std::string_view name) {
  for (const CommandRow& row : kCommands)
    if (row.name == name) return &row;
  return nullptr;
}

// Letters that stand in the same order in both words.
std::size_t common_letters(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1, 0);
  for (char letter : a) {
    std::size_t diagonal = 0;
    for (std::size_t i = 0; i < b.size(); ++i) {
      std::size_t above = row[i + 1];
      row[i + 1] = letter == b[i] ? diagonal + 1 : std::max(above, row[i]);
      diagonal = above;
    }
  }
  return row.back();
}

struct Habit {
  std::string_view word;
  std::string_view meant;
};
// What people type who come from other servers.
constexpr Habit kHabits[] = {
    {"-c", "; did you mean weir run -c FILE?"},
    {"-f", "; did you mean weir run -c FILE?"},
    {"-t", "; did you mean weir check?"},
    {"start", "; did you mean \"run\"?"},
    {"stop",
     "; TERM ends weir: systemctl stop weir, or kill; weir drain only takes it out of service"},
    {"test", "; did you mean \"check\"?"},
    {"configtest", "; did you mean \"check\"?"},
    {"validate", "; did you mean \"check\"?"},
};

std::string did_you_mean(std::string_view word) {
  for (const Habit& habit : kHabits)
    if (habit.word == word) return std::string(habit.meant);
  std::vector<std::string_view> names(cli::command_names().begin(), cli::command_names().end());
  for (const CommandRow& row : kCommands) names.push_back(row.name);
  for (std::string_view name : names) {
    std::size_t longer = std::max(word.size(), name.size());
    if (longer > 1 && common_letters(word, name) + 1 >= longer)
      return "; did you mean \"" + std::string(name) + "\"?";
  }
  return {};
}

Error usage_error(std::string what) {
  return Error{"weir: " + std::move(what) + " (see weir --help)"};
}

Result<std::uint16_t> parse_port(std::string_view option, std::string_view text) {
  unsigned value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > 65535)
    return Err{usage_error(std::string(option) + " needs a port from 0 to 65535, not \"" +
                           std::string(text) + "\"")};
  return static_cast<std::uint16_t>(value);
}

// The options behind a command, one after the other.
class Options {
 public:
  Options(const std::vector<std::string>& words, std::size_t first) : words_(words), next_(first) {}
  bool is_done() const { return next_ >= words_.size(); }
  // Takes the next word; "--name=value" leaves its value for value().
  std::string_view take() {
    std::string_view word = words_[next_++];
    attached_.reset();
    std::size_t equals = word.find('=');
    if (word.starts_with("--") && equals != std::string_view::npos) {
      attached_ = word.substr(equals + 1);
      word = word.substr(0, equals);
    }
    return word;
  }
  bool has_attached() const { return attached_.has_value(); }
  Result<std::string> value(std::string_view option) {
    if (attached_.has_value()) return std::string(*attached_);
    if (is_done()) return Err{usage_error(std::string(option) + " needs a value")};
    return words_[next_++];
  }

 private:
  const std::vector<std::string>& words_;
  std::size_t next_;
  std::optional<std::string_view> attached_;
};

// One option of a command; an error when the command has none of that name.
Status<> take_option(CommandLine& line, std::string_view command, std::string_view option,
                     Options& options) {
  bool takes_file = line.command == Command::kRun || line.command == Command::kCheck;
  if (takes_file && (option == "-c" || option == "--config")) {
    Result<std::string> value = options.value(option);
    if (!value.ok()) return Err{value.error()};
    if (value->empty()) return Err{usage_error(std::string(option) + " needs a file")};
    line.config_file = *value;
    return Ok{};
  }
  if (line.command == Command::kCheck && option == "--dump" && !options.has_attached()) {
    line.dumps = true;
    return Ok{};
  }
  if (line.command == Command::kCheck && option == "--all" && !options.has_attached()) {
    line.shows_all = true;
    return Ok{};
  }
  if (line.command == Command::kDemo && (option == "--port" || option == "--admin-port")) {
    Result<std::string> value = options.value(option);
    if (!value.ok()) return Err{value.error()};
    Result<std::uint16_t> port = parse_port(option, *value);
    if (!port.ok()) return Err{port.error()};
    (option == "--port" ? line.port : line.admin_port) = *port;
    return Ok{};
  }
  bool is_option = option.starts_with("-");
  bool means_file = option == "-f" || option == "--file" || option == "-C";
  std::string cure = takes_file && means_file   ? "did you mean -c FILE?"
                     : !is_option && takes_file ? "name the file with -c"
                                                : "see weir " + std::string(command) + " --help";
  return Err{Error{"weir: " + std::string(command) + ": unknown " +
                   (is_option ? "option" : "argument") + " \"" + std::string(option) + "\" (" +
                   cure + ")"}};
}

}  // namespace

std::string_view help_text(std::string_view topic) {
  if (std::string_view text = cli::help_text(topic); !text.empty()) return text;
  const CommandRow* row = find_command(topic);
  return row == nullptr ? kUsage : row->help;
}

Result<CommandLine> parse_command_line(const std::vector<std::string>& words) {
  CommandLine line;
  if (words.empty()) return Err{usage_error("no command given")};
  const std::string& name = words[0];
  if (name == "--help" || name == "-h") return line;
  if (name == "--version" || name == "-V") {
    line.command = Command::kVersion;
    return line;
  }
  for (std::string_view command : cli::command_names()) {
    if (name != command) continue;
    line.command = Command::kCli;
    return line;
  }
  const CommandRow* row = find_command(name);
  if (row == nullptr) {
    for (std::string_view later : kLater)
      if (name == later)
        return Err{usage_error("\"" + name + "\" is not available in this version")};
    return Err{usage_error("unknown command \"" + name + "\"" + did_you_mean(name))};
  }
  line.command = row->command;
  if (row->command == Command::kHelp) {
    if (words.size() > 1) line.help_topic = words[1];
    return line;
  }
  Options options(words, 1);
  while (!options.is_done()) {
    std::string_view option = options.take();
    if (option == "--help" || option == "-h") {
      line.command = Command::kHelp;
      line.help_topic = name;
      return line;
    }
    Status<> taken = take_option(line, name, option, options);
    if (!taken.ok()) return Err{taken.error()};
  }
  if (line.shows_all && !line.dumps)
    return Err{Error{"weir: check: --all is for --dump (see weir check --help)"}};
  return line;
}

}  // namespace weir::server
