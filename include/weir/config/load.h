#pragma once
// Files to a Config, or to everything that is wrong with them. The only place that knows TOML.
// Reads files; otherwise pure. Any thread.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/config/config.h"

namespace weir::config {

struct Diagnostic {
  Place place;
  std::string message;       // what is wrong (what was expected; did you mean "…"?)
  std::string text() const;  // "weir: FILE:LINE:COLUMN: message"
};

// One effective value and where it comes from, for `weir check --dump`.
struct DumpLine {
  std::string section;  // "server", "pool.web", "route[0]"
  std::string key;
  std::string value;   // as TOML
  std::string origin;  // FILE:LINE, or "default", "pool_defaults (FILE:LINE)" …
};

struct Loaded {
  std::optional<Config> config;      // only without errors
  std::optional<Config> draft;       // with errors: what was understood, to look for further ones
  std::vector<Diagnostic> errors;    // all of them, in order of files and lines
  std::vector<Diagnostic> warnings;  // legal, but probably not meant: refuses nothing
  std::vector<std::string> files;    // every file that was read or looked for (for the watcher)
  std::vector<std::string> globs;    // [routes] files, resolved
  std::vector<DumpLine> dump;        // only without errors
};

// Reads `path` and the route files that it names.
Loaded load_file(const std::string& path);
// The same from text; relative paths are relative to the folder of `name`.
Loaded load_text(std::string_view text, const std::string& name);

}  // namespace weir::config
