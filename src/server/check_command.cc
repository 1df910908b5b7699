#include <cstdio>

#include "commands.h"
#include "weir/config/load.h"
#include "weir/table/build.h"

namespace weir::server {

namespace {

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

}  // namespace

int check_command(const CommandLine& line) {
  Result<std::string> file = find_config(line.config_file);
  if (!file.ok()) {
    std::fprintf(stderr, "%s\n", file.error().message.c_str());
    return 2;
  }
  config::Loaded loaded = config::load_file(*file);
  std::vector<config::Diagnostic> errors = loaded.errors;
  table::Builder::Built built;
  if (loaded.config.has_value()) {
    built = table::Builder(1, 0).build(*loaded.config);
    errors.insert(errors.end(), built.errors.begin(), built.errors.end());
  }
  for (const config::Diagnostic& error : errors) std::fprintf(stderr, "%s\n", error.text().c_str());
  if (!errors.empty() || built.tables == nullptr) return 2;
  if (line.dumps) {
    print_dump(loaded.dump);
  } else {
    std::printf("%s: ok (%zu routes for %zu hosts, %zu pools)\n", file->c_str(), built.tables->routes->routes(),
                built.tables->routes->hosts(), loaded.config->pools.size());
  }
  return 0;
}

}  // namespace weir::server
