#pragma once
// Files to a Config, or to everything that is wrong with them. The only place that knows TOML.
// Reads files; otherwise pure. Any thread.
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "weir/config/config.h"

namespace weir::config {

// What an error keeps from being served as it is written, when that is not everything (CONTRACT §2,
// Quarantine).
enum class EntryKind : std::uint8_t { kRoute, kPool, kBackend, kFile };
std::string_view name_of(EntryKind kind);  // "route", "pool", "backend", "file"

struct Diagnostic {
  Place place;
  std::string message;       // what is wrong (what was expected; did you mean "…"?)
  std::optional<EntryKind> entry = std::nullopt;  // none: the configuration as a whole
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
  std::vector<Diagnostic> quarantined;  // without errors: the entries that are wrong
  std::vector<Diagnostic> warnings;  // legal, but probably not meant: refuses nothing
  std::vector<std::string> files;    // every file that was read or looked for (for the watcher)
  std::vector<std::string> globs;    // [routes] files, resolved
  std::vector<DumpLine> dump;        // only without errors
};

// Route files as they were when they could last be read: one that cannot be keeps its last good
// version, and one that has not changed is not read again. One thread at a time.
struct ReadFile;
struct LastGoodFiles {
  std::unordered_map<std::string, std::shared_ptr<const ReadFile>> files;  // by path
};

// The texts of those files, to keep them elsewhere: of one without errors as it is on disk, if that
// is what was read.
void for_each_text(const LastGoodFiles& files,
                   const std::function<void(const std::string& path, const std::string& text)>& visit);
// A file as it was once, unless a newer version is known.
void add_text(LastGoodFiles& files, const std::string& path, std::string text);

// Reads `path` and the route files that it names. With `last_good` the dump has no pools and routes:
// who loads again and again wants none.
Loaded load_file(const std::string& path, LastGoodFiles* last_good = nullptr);
// The same from text; relative paths are relative to the folder of `name`.
Loaded load_text(std::string_view text, const std::string& name);

// A value of a pool as files write it: {"timeouts.connect", "\"5s\""}.
struct Setting {
  std::string key;
  std::string value;
  bool operator==(const Setting&) const = default;
};
// Those that are not what they are by default, but for the backends; in order of keys as in conf.
std::vector<Setting> pool_settings(const PoolConfig& pool);
// "" when there is no such setting.
std::string default_of_setting(std::string_view key);

}  // namespace weir::config
