#pragma once
// The commands that need no running weir. Each returns the process's exit code.
#include "command_line.h"
#include "weir/cli/cli.h"

namespace weir::server {

int run_command(const CommandLine& line);
int check_command(const CommandLine& line);
int demo_command(const CommandLine& line);

// What the commands of a running weir want of files; lives as long as the process.
cli::Files& command_files();

// -c FILE, else ./weir.toml, else /etc/weir/weir.toml. The error names what was looked for.
Result<std::string> find_config(const std::string& given);

}  // namespace weir::server
