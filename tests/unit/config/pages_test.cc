// [pages]: keys, hosts, files and everything that can be wrong with them.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include "load_fixture.h"

namespace weir::config::test {
namespace {

// weir.toml of `pages` in a folder with some pages.
struct Pages : Folder {
  Pages() {
    write("pages/503.html", "<p>{status}");
    write("pages/503.json", "{}");
    write("pages/503.txt", "sorry");
  }
  Loaded load(std::string_view pages) const {
    return load_file(write("weir.toml", std::string(pages) + std::string(kListener) +
                                            "[[route]]\nhost = \"*\"\npool = \"zz\"" +
                                            std::string(kPool)));
  }
  // As "LINE:COLUMN: message", with the folder left out of it.
  std::string errors(std::string_view pages) const {
    std::string text = joined(errors_of(load(pages)));
    for (std::size_t at; (at = text.find(path(""))) != std::string::npos;)
      text.erase(at, path("").size());
    for (std::size_t at; (at = text.find("weir: weir.toml:")) != std::string::npos;)
      text.erase(at, 16);
    return text;
  }
};

std::size_t failures_with(int status) {
  std::size_t count = 0;
  for (const FailureRow& row : kFailureRows)
    count += row.status == status || (row.status > 0 && row.status / 100 == status) ? 1 : 0;
  return count;
}

TEST_CASE("keys are reasons, statuses and classes; hosts have tables of their own") {
  Pages folder;
  Loaded loaded = folder.load(
      "[pages]\n503 = \"pages/503.html\"\n\"5xx\" = [\"pages/503.txt\", \"pages/503.html\"]\n"
      "no_route = \"pages/503.json\"\n[pages.\"*.Example.com.\"]\n4xx = \"pages/503.html\"\n"
      "[pages.localhost]\ninternal = \"pages/503.txt\"");
  CHECK(joined(errors_of(loaded)).empty());
  REQUIRE(loaded.config.has_value());
  const std::vector<PageEntry>& pages = loaded.config->pages;
  REQUIRE(pages.size() == 5);
  CHECK(pages[0].key == PageKey::kStatus);
  CHECK(pages[0].failures.size() == failures_with(503));
  CHECK(pages[0].files.size() == 1);
  CHECK(pages[0].files[0].path == folder.path("pages/503.html"));
  CHECK(pages[0].files[0].form == Form::kHtml);
  CHECK(*pages[0].files[0].text == "<p>{status}");
  CHECK(pages[1].key == PageKey::kClass);
  CHECK(pages[1].failures.size() == failures_with(5));
  CHECK(pages[1].files.size() == 2);
  CHECK(pages[1].files[0].form == Form::kText);
  CHECK(pages[1].files[1].text == pages[0].files[0].text);  // read once
  CHECK(pages[2].key == PageKey::kReason);
  CHECK(pages[2].failures == std::vector<Failure>{Failure::no_route});
  CHECK(pages[2].files[0].form == Form::kJson);
  CHECK(pages[3].host == "*.example.com");
  CHECK(pages[3].failures.size() == failures_with(4));
  CHECK(pages[4].host == "localhost");
  CHECK(pages[4].key == PageKey::kReason);
}

TEST_CASE("pages are watched, also those that are not there, and shown") {
  Pages folder;
  Loaded loaded = folder.load(
      "[pages]\n503 = [\"pages/503.html\", \"pages/503.json\"]\n"
      "[pages.\"a.b\"]\nno_route = \"pages/503.html\"\n");
  CHECK(loaded.files == std::vector<std::string>{folder.path("weir.toml"),
                                                 folder.path("pages/503.html"),
                                                 folder.path("pages/503.json")});
  std::vector<std::string> dump;
  for (const DumpLine& line : loaded.dump)
    if (line.section.starts_with("pages"))
      dump.push_back("[" + line.section + "] " + line.key + " = " + line.value);
  REQUIRE(dump.size() == 2);
  CHECK(dump[0] == "[pages] \"503\" = [\"" + folder.path("pages/503.html") + "\", \"" +
                       folder.path("pages/503.json") + "\"]");
  CHECK(dump[1] == "[pages.\"a.b\"] no_route = \"" + folder.path("pages/503.html") + "\"");
  loaded = folder.load("[pages]\n503 = \"gone.html\"\n");
  CHECK(loaded.files.back() == folder.path("gone.html"));
}

TEST_CASE("each mistake has its place and what was expected") {
  Pages folder;
  folder.write("pages/empty.html", "");
  folder.write("pages/large.html", std::string(kMaxPageBytes + 1, 'x'));
  folder.write("pages/full.html", std::string(kMaxPageBytes, 'x'));
  folder.write("pages/latin.html", "a\nb\xe9");
  folder.write("pages/haproxy.html", "HTTP/1.0 503 Service Unavailable\r\n\r\n");
  struct Case {
    std::string_view line;
    std::string_view error;
  };
  for (const Case& c : std::vector<Case>{
           {"503 = \"pages/full.html\"", ""},
           {"503 = \"pages/504.html\"",
            "2:7: 503: cannot open pages/504.html: No such file or directory (did you mean "
            "pages/503.html?)"},
           {"503 = \"pages\"", "2:7: 503 is \"pages\" (expected a file that ends in"},
           {"503 = \"pages/503.http\"",
            "2:7: 503 is \"pages/503.http\" (expected a file that ends"},
           {"503 = 5", "2:7: 503 is the integer 5 (expected a file that ends"},
           {"503 = []", "2:7: 503 is a list (expected a file that ends"},
           {"503 = [\"pages/503.html\", 5]", "2:26: 503 is the integer 5"},
           {"503 = [\"pages/503.html\", \"pages/full.html\"]",
            "2:26: 503: \"pages/full.html\" is a second"},
           {"503 = { a = \"b\" }", "2:7: 503 is a table"},
           {"503 = \"pages/empty.html\"", "2:7: 503: pages/empty.html is empty"},
           {"503 = \"pages/large.html\"", "2:7: 503: pages/large.html holds more than 64 KiB"},
           {"503 = \"pages/latin.html\"", "2:7: 503: pages/latin.html is not UTF-8 (line 2)"},
           {"503 = \"pages/haproxy.html\"",
            "2:7: 503: pages/haproxy.html begins like a whole answer"},
           {"503 = \"/dev/null.html\"", "2:7: 503: cannot open /dev/null.html"},
           {"403 = \"pages/503.html\"",
            "2:1: unknown key \"403\" in [pages]: weir itself never answers"},
           {"client_gone = \"pages/503.html\"",
            "2:1: unknown key \"client_gone\" in [pages]: nobody"},
           {"no_usable_backends = \"pages/503.html\"",
            "2:1: unknown key \"no_usable_backends\" in [pages] (expected a status"},
           {"default = \"pages/503.html\"",
            "2:1: unknown key \"default\" in [pages] (expected a status"},
           {"[pages.www.example.com]\n503 = \"pages/503.html\"",
            "a host with dots stands in quotation marks (did you mean "
            "[pages.\"www.example.com\"]?)"},
           {"[pages.\"a:80\"]\n503 = \"pages/503.html\"", "has a port"},
           {"[pages.\"*\"]\n503 = \"pages/503.html\"",
            "pages for every host stand in [pages] itself"},
           {"[pages.\"A.b\"]\n[pages.\"a.b.\"]\n",
            "the pages of \"a.b\" stand here twice, first at "},
           {"[pages.\"a.b\"]\n503 = \"gone.html\"", "3:7: 503: cannot open gone.html"},
           {"[pages.\"a.b\"]\nx = \"gone.html\"",
            "3:1: unknown key \"x\" in [pages.\"a.b\"] (expected"},
       }) {
    CAPTURE(c.line);
    std::string errors = folder.errors("[pages]\n" + std::string(c.line));
    CAPTURE(errors);
    if (c.error.empty()) {
      CHECK(errors.empty());
    } else {
      CHECK(errors.find(c.error) != std::string::npos);
      CHECK(errors.find('\n') == errors.size() - 1);
    }
  }
}

TEST_CASE("what is no regular file is not waited for") {
  Pages folder;
  REQUIRE(mkdir(folder.path("pages/folder.html").c_str(), 0700) == 0);
  REQUIRE(mkfifo(folder.path("pages/pipe.html").c_str(), 0600) == 0);
  for (std::string name : {"folder", "pipe"}) {
    std::string errors = folder.errors("[pages]\n503 = \"pages/" + name + ".html\"");
    CHECK(errors.find("pages/" + name + ".html is no file (expected") != std::string::npos);
  }
}

TEST_CASE("almost a placeholder is warned of, with its place; other braces are not") {
  Pages folder;
  folder.write(
      "pages/503.html",
      "{status}{request_id}\n a {request-id} {reqest_id} body{color:red} {x} { status } {");
  Loaded loaded = folder.load("[pages]\n503 = \"pages/503.html\"\n");
  REQUIRE(loaded.warnings.size() == 2);
  CHECK(loaded.warnings[0].place.text() == folder.path("pages/503.html") + ":2:4");
  CHECK(loaded.warnings[0].message == "{request-id} stays as it is (did you mean {request_id}?)");
  CHECK(loaded.warnings[1].place.column == 17);
}

}  // namespace
}  // namespace weir::config::test
