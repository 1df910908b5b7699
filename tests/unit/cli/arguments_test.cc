// The words of commands, addresses of the admin interface, tokens.
#include "src/cli/arguments.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "src/cli/client.h"
#include "src/cli/nearest.h"
#include "src/cli/target.h"

namespace weir::cli {
namespace {

using Words = std::vector<std::string>;

Arguments parse(const Words& words, const Environment& environment = {}) {
  Result<Arguments> arguments = parse_arguments(words, environment);
  REQUIRE_MESSAGE(arguments.ok(), (arguments.ok() ? "" : arguments.error().message));
  return *arguments;
}
std::string error_of(const Words& words) {
  Result<Arguments> arguments = parse_arguments(words, {});
  REQUIRE_FALSE(arguments.ok());
  return arguments.error().message;
}

}  // namespace

TEST_CASE("cli: where the admin interface is: option, environment, default") {
  CHECK(parse({"status"}).admin == "http://127.0.0.1:8042");
  Environment environment{"unix:/run/a", "/etc/token", false, false};
  CHECK(parse({"status"}, environment).admin == "unix:/run/a");
  CHECK(parse({"status"}, environment).token_file == "/etc/token");
  Arguments given = parse({"status", "--admin", "http://b:1", "--token-file=c"}, environment);
  CHECK(given.admin == "http://b:1");
  CHECK(given.token_file == "c");
}

TEST_CASE("cli: words and options in any order") {
  CHECK(parse({"pools"}).name.empty());
  CHECK(parse({"pools", "--json", "web"}).name == "web");
  CHECK(parse({"routes", "*.example.com"}).name == "*.example.com");
  CHECK(parse({"reload", "--wait", "--force"}).waits);
  CHECK(parse({"reload", "--force"}).forces);
  CHECK(parse({"drain", "--wait"}).waits);
  CHECK(parse({"ready", "--wait"}).waits);
  Arguments backend = parse({"backend", "*", "--wait", "10.0.0.6", "maint", "--json"});
  CHECK(backend.verb == Verb::kBackend);
  CHECK(backend.pool == "*");
  CHECK(backend.address == "10.0.0.6");
  CHECK(backend.state == "maint");
  CHECK(backend.waits);
  CHECK(backend.is_json);
  CHECK(parse({"backend", "--help"}).wants_help);
  CHECK(parse({"status", "-h"}).wants_help);
}

TEST_CASE("cli: what is wrong with the words") {
  struct Row {
    Words words;
    std::string error;
  };
  for (const Row& row :
       {Row{{"status", "web"}, "unknown argument \"web\" (see weir status --help)"},
        Row{{"status", "--wait"}, "unknown option \"--wait\" (see weir status --help)"},
        Row{{"pools", "a", "b"}, "unknown argument \"b\" (see weir pools --help)"},
        Row{{"pools", ""}, "an argument is empty (see weir pools --help)"},
        Row{{"drain", "--force"}, "unknown option \"--force\" (see weir drain --help)"},
        Row{{"drain", "--json=1"}, "--json takes no value (see weir drain --help)"},
        Row{{"status", "--admin"}, "--admin needs a value (see weir status --help)"},
        Row{{"status", "--admin="}, "--admin needs a value (see weir status --help)"},
        Row{{"backend", "web"}, "needs POOL|'*' ADDR drain|maint|ready (see weir backend --help)"},
        Row{{"backend", "web", "a:1", "drian"},
            "unknown state \"drian\"; did you mean \"drain\"?, expected drain, maint or ready (see "
            "weir backend --help)"}})
    CHECK(error_of(row.words) == "weir: " + row.words[0] + ": " + row.error);
}

TEST_CASE("cli: every command has a help text that begins with it") {
  CHECK(command_names().size() == 9);
  for (std::string_view name : command_names()) {
    CAPTURE(name);
    CHECK(help_text(name).starts_with("weir " + std::string(name)));
    if (name != "diff") CHECK(help_text(name).find("--admin") != std::string_view::npos);
    CHECK(help_text(name).ends_with('\n'));
  }
  CHECK(help_text("run").empty());
}

TEST_CASE("cli: addresses of the admin interface") {
  Result<Target> target = parse_target("http://127.0.0.1:8042/");
  REQUIRE(target.ok());
  CHECK(target->host == "127.0.0.1:8042");
  CHECK(target->endpoints.at(0).text() == "127.0.0.1:8042");
  CHECK(parse_target("http://[::1]:8042")->endpoints.at(0).text() == "[::1]:8042");
  CHECK(parse_target("unix:/run/a.sock")->endpoints.at(0).unix_path == "/run/a.sock");
  CHECK(parse_target("unix:/run/a.sock")->host == "localhost");
  CHECK_FALSE(parse_target("http://localhost:1")->endpoints.empty());
  for (const char* wrong : {"", "8042", "http://", "http://a", "http://127.0.0.1", "http://[::1]",
                            "http://127.0.0.1:0", "http://127.0.0.1:65536", "http://127.0.0.1:80/x",
                            "https://127.0.0.1:8042", "ftp://a:1", "unix:"}) {
    CAPTURE(wrong);
    CHECK_FALSE(parse_target(wrong).ok());
  }
  CHECK(parse_target("127.0.0.1:8042")
            .error()
            .message.find("did you mean \"http://127.0.0.1:8042\"?") != std::string::npos);
}

TEST_CASE("cli: a token stands in its file alone or behind a name") {
  std::string pattern = (std::filesystem::temp_directory_path() / "weir-token-XXXXXX").string();
  int fd = mkstemp(pattern.data());
  REQUIRE(fd >= 0);
  ::close(fd);
  auto token_in = [&](const char* text) {
    std::ofstream(pattern) << text;
    return read_token(pattern);
  };
  CHECK(*token_in("s3cret\n") == "s3cret");
  CHECK(*token_in("# mine\n\n alice: s3cret \r\nbob:x\n") == "s3cret");
  CHECK(*token_in("alice:a:b") == "a:b");
  CHECK(*token_in("+/=:x") == "+/=:x");
  for (const char* wrong : {"", "# none\n", "alice:\n", "a b\n"}) {
    CAPTURE(wrong);
    CHECK_FALSE(token_in(wrong).ok());
  }
  std::filesystem::remove(pattern);
  CHECK(read_token(pattern).error().message.find("No such file") != std::string::npos);
}

TEST_CASE("cli: what somebody probably meant") {
  std::vector<std::string> names = {"web", "api", "web-2", "127.0.0.1:9001"};
  CHECK(did_you_mean("wbe", names) == "; did you mean \"web\"?");
  CHECK(did_you_mean("Web-2", names) == "; did you mean \"web-2\"?");
  CHECK(did_you_mean("127.0.0.1:9010", names) == "; did you mean \"127.0.0.1:9001\"?");
  CHECK(did_you_mean("zzz", names).empty());
  CHECK(did_you_mean("ab", {}).empty());
}

TEST_CASE("cli: addresses go into paths encoded") {
  CHECK(percent_encoded("unix:/run/a b") == "unix%3A%2Frun%2Fa%20b");
  CHECK(percent_encoded("[::1]:80") == "%5B%3A%3A1%5D%3A80");
  CHECK(percent_encoded("a-b.c_d~e") == "a-b.c_d~e");
}

}  // namespace weir::cli
