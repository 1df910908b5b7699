// The words behind `weir`.
#include "src/server/command_line.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace {

using namespace weir;
using namespace weir::server;
using Words = std::vector<std::string>;

CommandLine parse(const Words& words) {
  Result<CommandLine> line = parse_command_line(words);
  REQUIRE_MESSAGE(line.ok(), (line.ok() ? "" : line.error().message));
  return *line;
}
std::string error_of(const Words& words) {
  Result<CommandLine> line = parse_command_line(words);
  REQUIRE_FALSE(line.ok());
  return line.error().message;
}

TEST_CASE("each command, with its defaults") {
  CHECK(parse({"run"}).command == Command::kRun);
  CHECK(parse({"run"}).config_file.empty());
  CHECK(parse({"check"}).command == Command::kCheck);
  CHECK_FALSE(parse({"check"}).dumps);
  CHECK(parse({"version"}).command == Command::kVersion);
  CHECK(parse({"--version"}).command == Command::kVersion);
  CHECK(parse({"-V"}).command == Command::kVersion);
  CommandLine demo = parse({"demo"});
  CHECK(demo.command == Command::kDemo);
  CHECK(demo.port == 8080);
  CHECK(demo.admin_port == 8042);
}

TEST_CASE("options take their value behind a space or an equals sign, the last one wins") {
  CHECK(parse({"run", "-c", "a.toml"}).config_file == "a.toml");
  CHECK(parse({"run", "--config", "a.toml"}).config_file == "a.toml");
  CHECK(parse({"run", "--config=a=b.toml"}).config_file == "a=b.toml");
  CHECK(parse({"run", "-c", "a", "-c", "b"}).config_file == "b");
  CHECK(parse({"run", "-c", "--help"}).config_file == "--help");
  CommandLine check = parse({"check", "--dump", "-c", "a"});
  CHECK(check.dumps);
  CHECK(check.config_file == "a");
  CommandLine demo = parse({"demo", "--port=0", "--admin-port", "65535"});
  CHECK(demo.port == 0);
  CHECK(demo.admin_port == 65535);
}

TEST_CASE("help is everywhere") {
  for (const Words& words : {Words{"--help"}, Words{"-h"}, Words{"help"}}) {
    CHECK(parse(words).command == Command::kHelp);
    CHECK(parse(words).help_topic.empty());
  }
  for (const char* command : {"run", "demo", "check", "version"}) {
    for (const Words& words :
         {Words{command, "--help"}, Words{command, "-h"}, Words{"help", command}}) {
      CHECK(parse(words).command == Command::kHelp);
      CHECK(parse(words).help_topic == command);
    }
    CHECK(help_text(command).starts_with("weir " + std::string(command)));
    CHECK(help_text(command).ends_with('\n'));
    CHECK(help_text("").find("weir " + std::string(command)) != std::string_view::npos);
  }
  CHECK(parse({"run", "-c", "a", "--help"}).help_topic == "run");
  CHECK(help_text("nonsense") == help_text(""));
}

TEST_CASE("no command, or one that is none") {
  CHECK(error_of({}) == "weir: no command given (see weir --help)");
  CHECK(error_of({"serve"}) == "weir: unknown command \"serve\" (see weir --help)");
  CHECK(error_of({""}) == "weir: unknown command \"\" (see weir --help)");
  CHECK(error_of({"-c", "a"}) ==
        "weir: unknown command \"-c\"; did you mean weir run -c FILE? (see weir --help)");
  CHECK(error_of({"-t"}) ==
        "weir: unknown command \"-t\"; did you mean weir check? (see weir --help)");
  CHECK(error_of({"stop"}).find("TERM ends weir") != std::string::npos);
}

TEST_CASE("commands that talk to a running weir read their own words") {
  for (const char* name : {"status", "pools", "routes", "reload", "drain", "ready", "backend"}) {
    CHECK(parse({name, "--nonsense"}).command == Command::kCli);
    CHECK(parse({"help", name}).command == Command::kHelp);
    CHECK(help_text(name).starts_with("weir " + std::string(name)));
    CHECK(help_text("").find("weir " + std::string(name)) != std::string_view::npos);
  }
  CHECK(error_of({"statsu"}).find("did you mean \"status\"?") != std::string::npos);
}

TEST_CASE("commands of the contract that come later say so") {
  for (const char* later : {"top", "deploy"})
    CHECK(error_of({later, "whatever"}) ==
          "weir: \"" + std::string(later) +
              "\" is not available in this version (see weir --help)");
}

TEST_CASE("options and arguments that a command does not have") {
  struct Row {
    Words words;
    std::string error;
  };
  for (const Row& row : {
           Row{{"run", "--dump"}, "weir: run: unknown option \"--dump\" (see weir run --help)"},
           Row{{"run", "-f", "a"}, "weir: run: unknown option \"-f\" (did you mean -c FILE?)"},
           Row{{"check", "--file=a"},
               "weir: check: unknown option \"--file\" (did you mean -c FILE?)"},
           Row{{"run", "a.toml"}, "weir: run: unknown argument \"a.toml\" (name the file with -c)"},
           Row{{"run", "--port", "1"},
               "weir: run: unknown option \"--port\" (see weir run --help)"},
           Row{{"run", "-ca.toml"}, "weir: run: unknown option \"-ca.toml\" (see weir run --help)"},
           Row{{"run", ""}, "weir: run: unknown argument \"\" (name the file with -c)"},
           Row{{"demo", "-c", "a"}, "weir: demo: unknown option \"-c\" (see weir demo --help)"},
           Row{{"check", "--all"}, "weir: check: --all is for --dump (see weir check --help)"},
           Row{{"check", "--dump=1"},
               "weir: check: unknown option \"--dump\" (see weir check --help)"},
           Row{{"version", "-v"}, "weir: version: unknown option \"-v\" (see weir version --help)"},
       })
    CHECK(error_of(row.words) == row.error);
}

TEST_CASE("values that are missing, empty or no port") {
  CHECK(error_of({"run", "-c"}) == "weir: -c needs a value (see weir --help)");
  CHECK(error_of({"check", "--config"}) == "weir: --config needs a value (see weir --help)");
  CHECK(error_of({"run", "-c", ""}) == "weir: -c needs a file (see weir --help)");
  CHECK(error_of({"run", "--config="}) == "weir: --config needs a file (see weir --help)");
  CHECK(error_of({"demo", "--port"}) == "weir: --port needs a value (see weir --help)");
  for (const char* port : {"", "65536", "-1", "+80", "80x", " 80", "0x50", "99999999999999999999"})
    for (const char* option : {"--port", "--admin-port"})
      CHECK(error_of({"demo", option, port}) == "weir: " + std::string(option) +
                                                    " needs a port from 0 to 65535, not \"" + port +
                                                    "\" (see weir --help)");
}

}  // namespace
