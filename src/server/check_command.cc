#include <cstdio>

#include "commands.h"
#include "output.h"
#include "weir/config/load.h"
#include "weir/table/build.h"

namespace weir::server {

namespace {

std::string count(std::size_t number, const char* noun) {
  return std::to_string(number) + " " + noun + (number == 1 ? "" : "s");
}

// One line a value: what it is and where it comes from.
void print_dump(const std::vector<config::DumpLine>& dump) {
  std::string section;
  bool is_first = true;
  for (const config::DumpLine& line : dump) {
    if (is_first || line.section != section) {
      std::printf("%s[%s]\n", is_first ? "" : "\n", line.section.c_str());
      section = line.section;
      is_first = false;
    }
    std::printf("%s = %s  # %s\n", line.key.c_str(), line.value.c_str(), line.origin.c_str());
  }
}

std::string count_entries(std::size_t number) {
  return std::to_string(number) + (number == 1 ? " entry" : " entries");
}

void print_quarantine(const table::Quarantine& quarantine) {
  for (const table::Quarantined& entry : quarantine.listed)
    std::fprintf(stderr, "weir: %s: %s\n", entry.place.text().c_str(), entry.reason.c_str());
  if (quarantine.size() > quarantine.listed.size())
    std::fprintf(stderr, "weir: … and %s more\n",
                 count_entries(quarantine.size() - quarantine.listed.size()).c_str());
}

}  // namespace

int check_command(const CommandLine& line) {
  Result<std::string> file = find_config(line.config_file);
  if (!file.ok()) {
    std::fprintf(stderr, "%s\n", file.error().message.c_str());
    return 2;
  }
  config::Loaded loaded = config::load_file(*file);
  table::Builder builder(1, 0);
  table::Builder::Built built;
  std::vector<config::Diagnostic> errors = table::all_errors(loaded, builder, built);
  for (const config::Diagnostic& error : errors) std::fprintf(stderr, "%s\n", error.text().c_str());
  for (const config::Diagnostic& warning : loaded.warnings)
    std::fprintf(stderr, "weir: %s: warning: %s\n", warning.place.text().c_str(),
                 warning.message.c_str());
  if (!errors.empty()) return 2;
  const table::Quarantine& quarantine = built.tables->quarantine;
  print_quarantine(quarantine);
  if (line.dumps) {
    print_dump(loaded.dump);
  } else {
    std::string what =
        quarantine.size() == 0 ? "ok" : count_entries(quarantine.size()) + " quarantined";
    std::printf("%s: %s (%s, %s, %s)\n", file->c_str(), what.c_str(),
                count(built.tables->routes->routes(), "route").c_str(),
                count(built.tables->routes->hosts(), "host").c_str(),
                count(built.tables->pools->size(), "pool").c_str());
  }
  return finish_output(quarantine.size() > 0 ? 1 : 0);
}

}  // namespace weir::server
