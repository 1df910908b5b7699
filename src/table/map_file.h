#pragma once
// Map files (CONTRACT §2, Maps): one route a line, "HOST[/PATH]  TARGET", '#' comments. A file of a
// million lines is read in pieces and never held as a whole. Builder thread.
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/result.h"

namespace weir::table {

// One good line. What it names lives as long as the call that shows it.
struct MapEntry {
  std::string_view host;  // canonical pattern
  std::string_view path;  // as a route has it: unreserved characters decoded, "" = every path
  std::string_view target;
  unsigned line = 0;
};

// A line that makes no route.
struct MapMistake {
  unsigned line = 0;
  unsigned column = 0;
  std::string message;
  // The key, where that much could be read, so that nothing wider answers for it.
  std::string host;
  std::string path;
  std::string_view target;  // empty: none, or it is what is wrong
};

class MapSink {
 public:
  // In order of lines, many at a time.
  virtual void on_entries(std::span<const MapEntry> entries) = 0;
  virtual void on_mistake(const MapMistake& mistake) = 0;

 protected:
  ~MapSink() = default;
};

// What a file holds, for messages: short, and nothing that a terminal would obey.
std::string printable(std::string_view text);

// The state of a file on disk. What has not changed need not be read.
struct FileState {
  std::uint64_t device = 0, inode = 0, size = 0;
  std::int64_t modified_ns = 0, changed_ns = 0;
  bool operator==(const FileState&) const = default;
};
Result<FileState> state_of(const std::string& path);

// The contents in one number; an error when the file cannot be read, is cut short (its last line
// does not end) or is no text.
Result<std::uint64_t> examine_map(const std::string& path);
// Shows all lines. Returns the contents' number as examine_map() does: another one than that says
// that the file changed in between.
Result<std::uint64_t> read_map(const std::string& path, MapSink& sink);
// The same from text.
void read_map_text(std::string text, MapSink& sink);

}  // namespace weir::table
