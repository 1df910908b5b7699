// The input is weir.toml and, behind lines "--- NAME", the files beside it. Every error and warning
// points into a file that was read; a configuration without errors builds, and what `weir check
// --dump` prints of it is the same configuration again.
#include <algorithm>
#include <tuple>

#include "target.h"
#include "virtual_files.h"
#include "weir/config/load.h"
#include "weir/table/build.h"

namespace weir::fuzz {
namespace {

using namespace config;

constexpr const char* kMain = "weir.toml";

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  for (;;) {
    std::size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    if (end == text.size()) return lines;
    text.remove_prefix(end + 1);
  }
}

// What a terminal or a log would take for more than text.
bool is_printable(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) {
    auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
  });
}

// RFC 3629, but for what only looks like it.
bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    auto lead = static_cast<unsigned char>(text[i++]);
    int more = lead < 0x80 ? 0 : lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc2 ? 1 : -1;
    if (more < 0 || lead > 0xf4) return false;
    for (; more > 0; --more, ++i)
      if (i == text.size() || (static_cast<unsigned char>(text[i]) & 0xc0) != 0x80) return false;
  }
  return true;
}

void check_place(const Diagnostic& diagnostic, const VirtualFiles& files, const Loaded& loaded) {
  const Place& place = diagnostic.place;
  auto what = [&] { return shown(diagnostic.text()); };
  HOLDS(!diagnostic.message.empty(), what());
  HOLDS(is_printable(diagnostic.message), what());
  HOLDS(std::count(loaded.files.begin(), loaded.files.end(), place.file) > 0, what());
  const VirtualFiles::File* file = files.find(place.file);
  HOLDS(file != nullptr, what());
  HOLDS(is_utf8(diagnostic.message) || !is_utf8(file->text), what());
  std::vector<std::string_view> lines = lines_of(file->text);
  bool is_of_whole_file = place.line == 0 && place.column == 0;
  HOLDS(is_of_whole_file || (place.line > 0 && place.column > 0), what());
  HOLDS(place.line <= lines.size(), what());
  if (place.line > 0) HOLDS(place.column <= lines[place.line - 1].size() + 1, what());
}

std::string texts_of(const std::vector<Diagnostic>& errors) {
  std::string text;
  for (const Diagnostic& error : errors) text += error.text() + "\n";
  return text;
}

// Errors come in the order of files, then of places.
void check_order(const std::vector<Diagnostic>& errors, const Loaded& loaded) {
  auto rank = [&](const Place& place) {
    auto turn = std::find(loaded.files.begin(), loaded.files.end(), place.file);
    return std::tuple(turn - loaded.files.begin(), place.line, place.column);
  };
  for (std::size_t i = 1; i < errors.size(); ++i)
    HOLDS(rank(errors[i - 1].place) <= rank(errors[i].place), texts_of(errors));
}

// Pools and routes of all files stand in the dump of one; they are read pools first.
std::vector<DumpLine> sorted_dump(std::vector<DumpLine> dump) {
  std::erase_if(
      dump, [](const DumpLine& line) { return line.section == "routes" && line.key == "files"; });
  std::stable_partition(dump.begin(), dump.end(),
                        [](const DumpLine& line) { return !line.section.starts_with("route["); });
  return dump;
}

// [pool."a.b"] of pool.a.b.
std::string title_of(const std::string& section) {
  if (section.starts_with("route[")) return "[[route]]";
  std::size_t dot = section.find('.');
  if (dot == std::string::npos) return "[" + section + "]";
  return "[" + section.substr(0, dot + 1) + "\"" + section.substr(dot + 1) + "\"]";
}

std::string as_file(const std::vector<DumpLine>& dump) {
  std::string text;
  std::string section;
  for (const DumpLine& line : dump) {
    if (line.section != section) text += title_of(line.section) + "\n";
    section = line.section;
    text += line.key + " = " + line.value + "\n";
  }
  return text;
}

std::string values_of(const std::vector<DumpLine>& dump) {
  std::string text;
  for (const DumpLine& line : dump)
    text += line.section + " " + line.key + " = " + line.value + "\n";
  return text;
}

struct Served {
  explicit Served(std::string_view text) : loaded(load_text(text, kMain)) {
    table::Builder builder(1, 0);
    errors = table::all_errors(loaded, builder, built);
  }
  Loaded loaded;
  table::Builder::Built built;
  std::vector<Diagnostic> errors;
};

void check_dump(const Served& first) {
  std::vector<DumpLine> dump = sorted_dump(first.loaded.dump);
  std::string text = as_file(dump);
  Served again(text);
  HOLDS(again.errors.empty(), text + texts_of(again.errors));
  HOLDS(values_of(sorted_dump(again.loaded.dump)) == values_of(dump), text);
  HOLDS(again.built.tables->hash == first.built.tables->hash, text);
  HOLDS(again.built.tables->routes->routes() == first.built.tables->routes->routes(), text);
}

}  // namespace

void run(std::string_view input) {
  VirtualFiles files(input, kMain);
  Served served(files.all()[0].text);
  const Loaded& loaded = served.loaded;
  HOLDS(loaded.config.has_value() != loaded.draft.has_value());
  HOLDS(loaded.config.has_value() == loaded.errors.empty());
  HOLDS(served.errors.size() >= loaded.errors.size());
  for (const Diagnostic& error : served.errors) check_place(error, files, loaded);
  for (const Diagnostic& warning : loaded.warnings) check_place(warning, files, loaded);
  check_order(served.errors, loaded);
  HOLDS((served.built.tables != nullptr) == served.errors.empty(), texts_of(served.errors));
  if (!served.errors.empty()) return;
  for (const table::Quarantined& entry : served.built.tables->quarantine.listed)
    HOLDS(!entry.place.file.empty() && !entry.reason.empty());
  if (served.built.tables->quarantine.size() == 0) check_dump(served);
}

}  // namespace weir::fuzz
