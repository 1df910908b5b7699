// [admin] token_file and hosts, [metrics] bind, and where the admin interface may listen.
#include <doctest/doctest.h>

#include "load_fixture.h"

namespace weir::config::test {
namespace {

std::string main_with(std::string_view admin) {
  return "[admin]\nbind = [\"127.0.0.1:0\"]\n" + std::string(admin) + std::string(kListener) +
         std::string(kPool) + "[[route]]\nhost = \"*\"\npool = \"zz\"\n";
}

std::string errors_with(const Folder& folder, std::string_view admin) {
  std::string text = joined(errors_of(load_file(folder.write("weir.toml", main_with(admin)))));
  std::string prefix = folder.path("");
  for (std::size_t at; (at = text.find(prefix)) != std::string::npos;)
    text.erase(at, prefix.size());
  return text;
}

}  // namespace

TEST_CASE("a token file: a name and a token a line, comments, its folder that of weir.toml") {
  Folder folder;
  std::string file =
      folder.write("tokens", "# who may\nalice:s3cret\n\n  bob.2 : tok:en/+= \r\nalice:another\n");
  std::filesystem::permissions(file, std::filesystem::perms::owner_read);
  Loaded loaded = load_file(folder.write("weir.toml", main_with("token_file = \"tokens\"")));
  REQUIRE(joined(errors_of(loaded)).empty());
  const AdminConfig& admin = loaded.config->admin;
  CHECK(admin.tokens ==
        std::vector<AdminToken>{{"alice", "s3cret"}, {"bob.2", "tok:en/+="}, {"alice", "another"}});
  CHECK(loaded.warnings.empty());
  CHECK(loaded.files == std::vector<std::string>{folder.path("weir.toml"), file});
  for (const DumpLine& line : loaded.dump) CHECK(line.value.find("s3cret") == std::string::npos);
}

TEST_CASE("a token file that others may read is a warning, no error") {
  Folder folder;
  std::string file = folder.write("tokens", "a:b\n");
  std::filesystem::permissions(file, std::filesystem::perms(0644));
  Loaded loaded = load_file(folder.write("weir.toml", main_with("token_file = \"tokens\"")));
  REQUIRE(loaded.config.has_value());
  REQUIRE(loaded.warnings.size() == 1);
  CHECK(loaded.warnings[0].text() ==
        "weir: " + file + ": other users may read or write this file (chmod o= it)");
}

TEST_CASE("what is wrong with a token file, without its tokens") {
  Folder folder;
  CHECK(errors_with(folder, "token_file = \"tokens\"") ==
        "weir: weir.toml:3:14: token_file: cannot open tokens: No such file or directory\n");
  folder.write("tokens", "# none\n");
  CHECK(errors_with(folder, "token_file = \"tokens\"") ==
        "weir: weir.toml:3:14: token_file: tokens has no token (expected lines NAME:TOKEN, or a # "
        "comment)\n");
  folder.write("tokens", "alice\nbob:\n:x\na b:c\nc:d e\ngood:one\n");
  std::string errors = errors_with(folder, "token_file = \"tokens\"");
  for (const char* place :
       {"tokens:1:1: ", "tokens:2:1: ", "tokens:3:1: ", "tokens:4:1: ", "tokens:5:1: "}) {
    CAPTURE(place);
    CHECK(errors.find(place) != std::string::npos);
  }
  CHECK(errors.find("tokens:6") == std::string::npos);
  CHECK(errors.find("d e") == std::string::npos);
}

TEST_CASE("only with a token_file does the admin interface listen for others") {
  for (const char* bind : {":8042", "0.0.0.0:0", "192.0.2.1:80", "[::]:1", "[2001:db8::1]:1"}) {
    CAPTURE(bind);
    std::string section = "[admin]\nbind = [\"" + std::string(bind) + "\"]\n";
    Loaded loaded = load(section);
    REQUIRE(loaded.errors.size() == 1);
    std::string error = loaded.errors[0].text();
    CHECK(error.find("weir.toml:2:9: ") != std::string::npos);
    CHECK(error.find("token_file = ") != std::string::npos);
    CHECK(error.find("[metrics] bind") != std::string::npos);
    Folder folder;
    folder.write("tokens", "a:b\n");
    std::string text = section + "token_file = \"tokens\"\n" + std::string(kListener);
    CHECK(joined(errors_of(load_file(folder.write("weir.toml", text)))).empty());
  }
}

TEST_CASE("host names of the admin interface, each by itself") {
  Loaded loaded = load("[admin]\nhosts = [\"Weir.Example.com.\", \"edge_1\"]");
  REQUIRE(joined(errors_of(loaded)).empty());
  CHECK(loaded.config->admin.hosts == std::vector<std::string>{"weir.example.com", "edge_1"});
  CHECK(load("[admin]\nhosts = [\"*.example.com\"]").errors.size() == 1);
  CHECK(load("[admin]\nhosts = [\".example.com\"]").errors.size() == 1);
  CHECK(load("[admin]\nhosts = [\"a b\"]").errors.size() == 1);
  CHECK(load("[admin]\nhosts = [3]").errors.size() == 1);
}

TEST_CASE("metrics bind takes any address, and none that is taken") {
  Loaded loaded = load("[metrics]\nbind = [\":9100\", \"192.0.2.1:9100\", \"unix:m.sock\"]");
  CHECK(loaded.errors.size() == 0);
  CHECK(load("[metrics]\nbind = []").errors.empty());
  CHECK(joined(errors_of(load("[metrics]\nbind = [\"127.0.0.1:8042\"]"))) ==
        "2:9: bind: \"127.0.0.1:8042\" is taken by [admin] (\"127.0.0.1:8042\", its default)\n");
}

}  // namespace weir::config::test
