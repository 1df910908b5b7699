#pragma once
// The words behind `weir`: which command with which options, or what is wrong with them. Pure.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/result.h"

namespace weir::server {

enum class Command : std::uint8_t { kHelp, kVersion, kRun, kDemo, kCheck, kCli };

// kCli: one of cli::command_names(), which reads its own words.
struct CommandLine {
  Command command = Command::kHelp;
  std::string help_topic;     // of kHelp: a command, or empty
  std::string config_file;    // run, check: -c FILE; empty = look for it
  bool dumps = false;         // check --dump
  bool shows_all = false;     // check --dump --all
  std::uint16_t port = 8080;  // demo
  std::uint16_t admin_port = 8042;
};

// `words`: argv without the program's name. The error is for stderr, with exit 2.
Result<CommandLine> parse_command_line(const std::vector<std::string>& words);
// The text of --help, or of `weir COMMAND --help`.
std::string_view help_text(std::string_view topic);

}  // namespace weir::server
