#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "commands.h"
#include "output.h"
#include "weir/base/version.h"
#include "weir/cli/cli.h"

namespace {

// A process that was started without one of the standard descriptors gets /dev/null there: else
// sockets would take their places and receive what is meant for people.
void fill_standard_descriptors() {
  for (int fd = 0; fd <= 2; ++fd)
    if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
      static_cast<void>(!open("/dev/null", fd == 0 ? O_RDONLY : O_WRONLY));
}

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

weir::cli::Environment environment() {
  bool is_terminal = isatty(STDOUT_FILENO) == 1 && variable("TERM") != "dumb";
  return {variable("WEIR_ADMIN"), variable("WEIR_TOKEN_FILE"),
          is_terminal && std::getenv("NO_COLOR") == nullptr, isatty(STDERR_FILENO) == 1,
          &weir::server::command_files()};
}

}  // namespace

int main(int argc, char** argv) {
  fill_standard_descriptors();
  using weir::server::Command;
  std::vector<std::string> words(argv + 1, argv + argc);
  weir::Result<weir::server::CommandLine> line = weir::server::parse_command_line(words);
  if (!line.ok()) {
    std::fprintf(stderr, "%s\n", line.error().message.c_str());
    return 2;
  }
  switch (line->command) {
    case Command::kHelp: {
      std::string_view text = weir::server::help_text(line->help_topic);
      std::fwrite(text.data(), 1, text.size(), stdout);
      return weir::server::finish_output(0);
    }
    case Command::kVersion:
      std::printf("weir %.*s\n", static_cast<int>(weir::kVersion.size()), weir::kVersion.data());
      return weir::server::finish_output(0);
    case Command::kRun:
      return weir::server::run_command(*line);
    case Command::kCheck:
      return weir::server::check_command(*line);
    case Command::kDemo:
      return weir::server::demo_command(*line);
    case Command::kCli:
      return weir::server::finish_output(weir::cli::run(words, environment()));
  }
  return 2;
}
