#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "commands.h"
#include "control.h"

namespace weir::server {

Result<std::string> find_config(const std::string& given) {
  if (!given.empty()) return given;
  for (const char* candidate : {"weir.toml", "/etc/weir/weir.toml"})
    if (access(candidate, F_OK) == 0) return std::string(candidate);
  return Err{Error{"weir: no configuration: neither ./weir.toml nor /etc/weir/weir.toml exists (name one with -c "
                   "FILE, or try weir demo)"}};
}

int run_command(const CommandLine& line) {
  Result<std::string> file = find_config(line.config_file);
  if (!file.ok()) {
    std::fprintf(stderr, "%s\n", file.error().message.c_str());
    return 2;
  }
  std::signal(SIGPIPE, SIG_IGN);
  config::Loaded loaded = config::load_file(*file);
  for (const config::Diagnostic& error : loaded.errors) std::fprintf(stderr, "%s\n", error.text().c_str());
  if (!loaded.config.has_value()) return 2;
  SystemClock clock;
  Log log(loaded.config->log.level, STDERR_FILENO, clock);
  log.info("starting", {{"config", *file}});
  net::Loop loop(clock);
  Control control(clock, log, loop, [path = *file] { return config::load_file(path); }, *file);
  Status<> started = control.start(std::move(loaded));
  if (!started.ok()) {
    std::fprintf(stderr, "%s\n", started.error().message.c_str());
    return 1;
  }
  return control.run();
}

}  // namespace weir::server
