#pragma once
// Collects what is wrong over all files of one load, and sorts it: files in the order in which they
// were read, then lines and columns.
#include <array>
#include <string>
#include <string_view>
#include <utility>
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
  // What is added from now on concerns such an entry alone, or (none) everything. Returns what it
  // was before.
  std::optional<EntryKind> set_entry(std::optional<EntryKind> entry) {
    return std::exchange(entry_, entry);
  }
  // How many there are of entries of a kind.
  std::size_t count(EntryKind kind) const { return counts_[static_cast<std::size_t>(kind)]; }
  bool has_errors_of_everything() const;
  bool is_empty() const { return errors_.empty(); }
  std::size_t size() const { return errors_.size(); }
  std::vector<Diagnostic> take_sorted();

 private:
  std::vector<std::string> files_;
  std::vector<Diagnostic> errors_;
  std::optional<EntryKind> entry_;
  std::array<std::size_t, 4> counts_{};  // by entry
};

// Set for as long as it lives.
class EntryScope {
 public:
  EntryScope(Report& report, EntryKind kind) : report_(report), before_(report.set_entry(kind)) {}
  ~EntryScope() { report_.set_entry(before_); }
  EntryScope(const EntryScope&) = delete;
  EntryScope& operator=(const EntryScope&) = delete;

 private:
  Report& report_;
  std::optional<EntryKind> before_;
};

}  // namespace weir::config
