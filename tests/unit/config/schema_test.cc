// The key tables, the defaults and conf/weir.toml say the same; what comes later is accepted at its
// default and nowhere else.
#include "src/config/schema.h"

#include <doctest/doctest.h>

#include <map>
#include <sstream>

#include "load_fixture.h"
#include "src/config/tree.h"

namespace weir::config::test {
namespace {

std::string read_text(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

// conf/weir.toml above this file as the compiler saw it, or above the test's binary.
std::filesystem::path example_path() {
  namespace fs = std::filesystem;
  std::error_code ignored;
  for (const fs::path& from : {fs::path(__FILE__), fs::read_symlink("/proc/self/exe", ignored)}) {
    for (fs::path folder = fs::absolute(from).lexically_normal().parent_path();;
         folder = folder.parent_path()) {
      if (fs::exists(folder / "conf" / "weir.toml")) return folder / "conf" / "weir.toml";
      if (folder == folder.root_path()) break;
    }
  }
  return {};
}

// "#key = …" as "key = …": what is commented because its feature comes later.
std::string uncommented(const std::string& text) {
  std::istringstream lines(text);
  std::string out;
  for (std::string line; std::getline(lines, line);) {
    bool is_setting = line.size() > 1 && line[0] == '#' && line[1] != ' ';
    out += (is_setting ? line.substr(1) : line) + "\n";
  }
  return out;
}

std::string as_toml(const Node& node) {
  switch (node.kind) {
    case Node::Kind::kString:
      return in_quotes(node.text);
    case Node::Kind::kList: {
      std::string out;
      for (const Node& item : node.items) out += (out.empty() ? "" : ", ") + as_toml(item);
      return "[" + out + "]";
    }
    case Node::Kind::kInteger:
      return std::to_string(node.integer);
    default:
      return node.description();
  }
}

// All settings of a table by name: "timeouts.connect".
void collect(const Node& table, const std::string& prefix,
             std::map<std::string, std::string>& out) {
  for (const Member& member : table.members) {
    if (member.value.is_table()) {
      collect(member.value, prefix + member.key + ".", out);
    } else {
      out[prefix + member.key] = as_toml(member.value);
    }
  }
}

// A section around one line, complete but for it.
std::string around(std::string_view section, const std::string& line) {
  if (section == "route")
    return "[[route]]\nhost = \"a\"\npool = \"zz\"\n" + line + std::string(kPool);
  if (section == "listener") return "[listener.a]\nbind = [\":0\"]\n" + line;
  if (section == "pool") return "[pool.a]\nbackends = []\n" + line;
  return "[" + std::string(section) + "]\n" + line;
}

// A value that is legal and not the default, by the shape of the default.
std::string other_than(const std::string& key, const std::string& value) {
  static const std::map<std::string, std::string> special = {{"proxy_protocol", "\"required\""},
                                                             {"hash_on", "\"header:X-User\""},
                                                             {"when_down", "\"open\""},
                                                             {"status", "301"}};
  if (auto found = special.find(key); found != special.end()) return found->second;
  if (value == "\"\"" || value == "\"1/100\"") return "\"x\"";
  if (value == "[]") return "[\"x\"]";
  if (value.ends_with("%\"")) return "\"33%\"";
  if (value.ends_with("s\"")) return "\"33s\"";
  if (value == "false") return "true";
  return "33";
}

}  // namespace

TEST_CASE("conf/weir.toml loads as it stands, and with every later key at its default") {
  std::filesystem::path path = example_path();
  REQUIRE(!path.empty());
  Loaded loaded = load_file(path.string());
  CHECK(joined(errors_of(loaded)).empty());
  Loaded all = load_text(uncommented(read_text(path)), "weir.toml");
  CHECK(joined(errors_of(all)).empty());
}

TEST_CASE("conf/weir.toml shows every key, at its default") {
  std::string text = read_text(example_path());
  auto root = parse_toml(uncommented(text));
  REQUIRE(root.ok());
  std::map<std::string, std::string> timeouts;
  for (const SchemaSection& section : schema()) {
    const Node* table = root->find(section.name);
    CAPTURE(section.name);
    REQUIRE(table != nullptr);
    std::map<std::string, std::string> shown;
    if (section.name == "route") continue;                          // an example throughout
    if (section.name == "pool") continue;                           // shown as [pool_defaults]
    if (section.name == "listener") table = table->find("public");  // the example's name
    collect(*table, "", shown);
    for (const Shown& key : section.keys) {
      CAPTURE(key.key);
      bool is_inherited = section.name == "pool_defaults" &&
                          (key.key.starts_with("timeouts.") || key.key.starts_with("limits."));
      if (is_inherited) continue;
      if (key.use == Use::kNever || key.use == Use::kExample) {
        CHECK(text.find(key.key + " = ") != std::string::npos);
      } else {
        CHECK(shown[key.key] == key.value);
      }
    }
  }
}

TEST_CASE("route keys are all explained in conf/weir.toml") {
  std::string text = read_text(example_path());
  std::string routes = text.substr(text.find("[[route]]"));
  for (const SchemaSection& section : schema()) {
    if (section.name != "route") continue;
    for (const Shown& key : section.keys) {
      CAPTURE(key.key);
      CHECK(routes.find(key.key) != std::string::npos);
    }
  }
}

TEST_CASE("what comes later is accepted at its default and refused off it") {
  std::size_t count = 0;
  for (const SchemaSection& section : schema()) {
    for (const Shown& key : section.keys) {
      if (key.use != Use::kLater) continue;
      CAPTURE(section.name);
      CAPTURE(key.key);
      ++count;
      Loaded at_default = load(around(section.name, key.key + " = " + key.value));
      CHECK(joined(errors_of(at_default)).empty());
      std::string other = other_than(key.key, key.value);
      CAPTURE(other);
      Loaded off_default = load(around(section.name, key.key + " = " + other));
      std::vector<Diagnostic> problems = off_default.errors;
      problems.insert(problems.end(), off_default.quarantined.begin(),
                      off_default.quarantined.end());
      REQUIRE(problems.size() == 1);
      CHECK(problems[0].message.find("not available in this version") != std::string::npos);
      CHECK(problems[0].place.line > 1);
    }
  }
  CHECK(count > 10);
}

TEST_CASE("later keys without a default, and later words of present keys") {
  struct Case {
    const char* section;
    const char* line;
  };
  for (const Case& c : {Case{"listener", "tls = {}"},
                        {"route", "respond = {}"},
                        {"route", "hold = { timeout = \"60s\" }"},
                        {"route", "files = { root = \"/srv\" }"},
                        {"route", "redirect = \"https://x\""},
                        {"pool", "balance = \"random\""},
                        {"pool", "balance = \"hash\""},
                        {"pool", "outlier = false"}}) {
    CAPTURE(c.line);
    std::string errors = joined(errors_of(load(around(c.section, c.line))));
    CHECK(errors.find("not available in this version") != std::string::npos);
  }
}

TEST_CASE("the same default in another notation is still the default") {
  CHECK(joined(errors_of(load("[pool.a]\nbackends = []\nqueue = { timeout = \"10000ms\" }\n"
                              "hold = { timeout = \"1m\" }\noutlier = {}\nslow_start = \"0ms\"")))
            .empty());
}

}  // namespace weir::config::test
