#pragma once
// Collects what is wrong over all files of one load, and sorts it: files in the order in which they
// were read, then lines and columns.
#include <string>
#include <string_view>
#include <vector>

#include "weir/config/load.h"

namespace weir::config {

// Messages quote files, also lines that are no TOML: whatever a terminal would obey becomes \u001B.
void make_printable(std::vector<Diagnostic>& diagnostics);

class Report {
 public:
  // Declares a file's turn; its name goes into places.
  void begin_file(const std::string& file) { files_.push_back(file); }
  void add(Place place, std::string message);
  bool is_empty() const { return errors_.empty(); }
  std::vector<Diagnostic> take_sorted();

 private:
  std::size_t turn_of(const std::string& file) const;
  std::vector<std::string> files_;
  std::vector<Diagnostic> errors_;
};

}  // namespace weir::config
