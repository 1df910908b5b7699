#pragma once
// The commands that talk to a running weir's admin interface: status, pools, routes, explain, diff,
// reload, drain, ready, backend; some can read files instead. One call per process, on the main thread; it
// runs a small loop of its own.
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/result.h"
#include "weir/cli/snapshot.h"

namespace weir::cli {

// What commands want of configuration files: only the server can build tables. Errors are lines for
// stderr, with exit 2.
class Files {
 public:
  virtual ~Files() = default;
  // What GET /api/explain would answer of that file.
  virtual Result<std::string> explain(const std::string& file, const std::string& url,
                                      const std::string& method) = 0;
  // The table that it would be.
  virtual Result<Snapshot> read(const std::string& file) = 0;
};

// Where a command runs, as far as it matters.
struct Environment {
  std::string admin;       // $WEIR_ADMIN; empty: the default
  std::string token_file;  // $WEIR_TOKEN_FILE; empty: none
  bool has_colours = false;
  bool is_watched = false;  // a person sees stderr
  Files* files = nullptr;
};

// In the order in which help lists them.
std::span<const std::string_view> command_names();
// Of --help; empty when that is none of ours.
std::string_view help_text(std::string_view command);

// `words`: argv without the program's name; the first is one of command_names(). Prints to stdout
// and stderr. Returns the exit code: 0 success, 1 failed, 2 bad usage or invalid configuration.
int run(const std::vector<std::string>& words, const Environment& environment);

}  // namespace weir::cli
