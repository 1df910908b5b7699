#include "src/table/map_file.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <vector>

#include "weir/base/rng.h"

namespace {

using weir::table::MapEntry;
using weir::table::MapMistake;

struct Lines final : weir::table::MapSink {
  void on_entries(std::span<const MapEntry> entries) override {
    for (const MapEntry& entry : entries)
      lines.push_back(std::to_string(entry.line) + ": " + std::string(entry.host) + " " +
                      std::string(entry.path) + " " + std::string(entry.target));
  }
  void on_mistake(const MapMistake& mistake) override {
    lines.push_back(std::to_string(mistake.line) + ":" + std::to_string(mistake.column) + ": " +
                    mistake.host + mistake.path + ": " + mistake.message);
  }
  std::vector<std::string> lines;
};

std::vector<std::string> read(const std::string& text) {
  Lines sink;
  weir::table::read_map_text(text, sink);
  return sink.lines;
}

TEST_CASE("a map's lines become entries") {
  struct Row {
    std::string line;
    std::string entry;  // "" = none
  };
  for (const Row& row : {
           Row{"a.example.com web", "1: a.example.com  web"},
           Row{"a.example.com\tweb", "1: a.example.com  web"},
           Row{"  A.Example.COM.   web  \r", "1: a.example.com  web"},
           Row{".example.com web", "1: .example.com  web"},
           Row{"*.example.com web", "1: *.example.com  web"},
           Row{"* web", "1: *  web"},
           Row{"my_app.example.com web", "1: my_app.example.com  web"},
           Row{"192.0.2.1 web", "1: 192.0.2.1  web"},
           Row{"[2001:DB8:0::1] web", "1: [2001:db8::1]  web"},
           Row{"a.com/api web", "1: a.com /api web"},
           Row{"a.com/ web", "1: a.com  web"},
           Row{"a.com/%7Ea/ web", "1: a.com /~a web"},
           Row{"a.com 10.0.0.1:80,10.0.0.2:80", "1: a.com  10.0.0.1:80,10.0.0.2:80"},
           Row{"a.com redirect:https://b.com/x#y", "1: a.com  redirect:https://b.com/x#y"},
           Row{"a.com web # the shop", "1: a.com  web"},
           Row{"a.com web #x", "1: a.com  web"},
           Row{"# a.com web", ""},
           Row{"  # a.com web", ""},
           Row{"", ""},
           Row{" \t\r", ""},
       }) {
    CAPTURE(row.line);
    std::vector<std::string> wanted;
    if (!row.entry.empty()) wanted.push_back(row.entry);
    CHECK(read(row.line + "\n") == wanted);
  }
}

TEST_CASE("a map's mistakes say where and what, and keep the key where it is known") {
  struct Row {
    std::string line;
    std::string begin;
  };
  for (const Row& row : {
           Row{"a.com", "1:6: a.com: the line has no target"},
           Row{"a.com # web", "1:6: a.com: the line has no target"},
           Row{"a.com web api", "1:11: a.com: a third column: \"api\""},
           Row{"a.com/x web  10.0.0.1:80", "1:14: a.com/x: a third column"},
           Row{"http://a.com web", "1:1: : host \"http:\" "},
           Row{"a..com web", "1:1: : host \"a..com\" has an empty label"},
           Row{"a.com:80 web", "1:1: : host \"a.com:80\" has a port"},
           Row{"999.0.0.1 web", "1:1: : host \"999.0.0.1\""},
           Row{"www.*.com web", "1:1: : host \"www.*.com\" has a wildcard inside"},
           Row{"b\xc3\xbc"
               "cher.de web",
               "1:1: : host "},
           Row{"a.com/../x web", "1:1: : path "},
           Row{"a.com/x?y web", "1:1: : path \"/x?y\" has a query"},
       }) {
    CAPTURE(row.line);
    std::vector<std::string> lines = read("\n" + row.line + "\nb.com web\n");
    REQUIRE(lines.size() == 2);
    std::string wanted = "2" + row.begin.substr(1);
    CHECK(lines[0].substr(0, wanted.size()) == wanted);
    CHECK(lines[1] == "3: b.com  web");
  }
}

std::string temporary_file(const std::string& text) {
  std::string path = "/tmp/weir-map-test-" + std::to_string(getpid());
  std::ofstream(path, std::ios::binary) << text;
  return path;
}

TEST_CASE("a map file is read in pieces as it is read as a whole") {
  weir::Rng rng(20261120);
  for (std::size_t lines : {std::size_t{0}, std::size_t{1}, std::size_t{40'000}}) {
    std::string text;
    for (std::size_t i = 0; i < lines; ++i) {
      if (rng.one_in(50)) text += "# " + std::string(rng.below(3000), 'x') + "\n";
      text += "h" + std::to_string(rng.below(1'000'000)) + (rng.one_in(40) ? "..com" : ".com");
      text += rng.one_in(30) ? "\n" : " web\n";
    }
    std::string path = temporary_file(text);
    Lines sink;
    auto examined = weir::table::examine_map(path);
    auto hash = weir::table::read_map(path, sink);
    REQUIRE(examined.ok());
    REQUIRE(hash.ok());
    CHECK(*examined == *hash);
    CHECK(sink.lines == read(text));
    if (lines == 0) continue;
    text[text.size() / 2] = text[text.size() / 2] == 'a' ? 'b' : 'a';
    temporary_file(text);
    CHECK(*weir::table::examine_map(path) != *examined);
  }
}

TEST_CASE("files that are no maps are told as a whole") {
  auto problem = [](const std::string& text) {
    auto examined = weir::table::examine_map(temporary_file(text));
    return examined.ok() ? "" : examined.error().message;
  };
  CHECK(problem("a.com web\n") == "");
  CHECK(problem("") == "");
  CHECK(problem("a.com web\nb.com we").find("does not end in a newline") != std::string::npos);
  CHECK(problem(std::string("a.com web\0\n", 11)).find("zero bytes") != std::string::npos);
  CHECK(weir::table::examine_map("/nonexistent/x.map").error().message.find("cannot open") == 0);
}

TEST_CASE("a line without end is one mistake") {
  std::string path = temporary_file("a.com web\n" + std::string(700'000, 'x') + "\nb.com web\n");
  Lines sink;
  REQUIRE(weir::table::read_map(path, sink).ok());
  REQUIRE(sink.lines.size() == 3);
  CHECK(sink.lines[0] == "1: a.com  web");
  CHECK(sink.lines[1] == "2:1: : the line is longer than 64 KiB");
  CHECK(sink.lines[2] == "3: b.com  web");
}

TEST_CASE("a line of more than 64 KiB is a mistake in a small file, too") {
  std::string most(64 * 1024, '#');
  CHECK(read(most + "\na.com web\n") == std::vector<std::string>{"2: a.com  web"});
  CHECK(read(most + "#\na.com web\n") ==
        std::vector<std::string>{"1:1: : the line is longer than 64 KiB", "2: a.com  web"});
}

TEST_CASE("a mistake keeps a key that had to be made canonical elsewhere") {
  std::string path = "/" + std::string(60, 'a') + "%61";
  CHECK(read("a.com" + path + "\n")[0].starts_with("1:70: a.com/" + std::string(61, 'a') + ": "));
}

TEST_CASE("a host with two dots at its end is a mistake, as everywhere") {
  CHECK(read("a.com.. web\n")[0].starts_with("1:1: : "));
}

}  // namespace
