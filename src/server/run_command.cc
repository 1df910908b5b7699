#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include "commands.h"
#include "control.h"
#include "machine.h"

namespace weir::server {

Result<std::string> find_config(const std::string& given) {
  if (!given.empty()) return given;
  for (const char* candidate : {"weir.toml", "/etc/weir/weir.toml"})
    if (access(candidate, F_OK) == 0) return std::string(candidate);
  return Err{
      Error{"weir: no configuration: neither ./weir.toml nor /etc/weir/weir.toml exists (name one "
            "with -c "
            "FILE, or try weir demo)"}};
}

int run_command(const CommandLine& line) {
  Result<std::string> file = find_config(line.config_file);
  if (!file.ok()) {
    std::fprintf(stderr, "%s\n", file.error().message.c_str());
    return 2;
  }
  // From another folder, at night, "weir.toml" says nothing.
  std::error_code problem;
  std::filesystem::path absolute = std::filesystem::absolute(*file, problem);
  if (!problem) file = absolute.lexically_normal().string();
  std::signal(SIGPIPE, SIG_IGN);
  SystemClock clock;
  Log log(LogLevel::kInfo, STDERR_FILENO, clock);
  if (std::optional<Error> error = prepare_descriptors()) {
    std::fprintf(stderr, "%s\n", error->message.c_str());
    return 1;
  }
  net::Loop loop(clock);
  config::LastGoodFiles last_good;
  Control control(
      clock, log, loop, [path = *file, &last_good] { return config::load_file(path, &last_good); },
      *file, &last_good);
  Status<StartError> started = control.start();
  if (!started.ok()) {
    std::fprintf(stderr, "%s\n", started.error().message.c_str());
    return started.error().exit_code;
  }
  return control.run();
}

}  // namespace weir::server
