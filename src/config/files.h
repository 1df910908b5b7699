#pragma once
// The files of a configuration: reading, paths beside other files, globs.
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/result.h"

namespace weir::config {

// The whole file, or why not: "cannot open FILE: No such file or directory". Reading ends somewhere
// behind `enough_bytes`.
Result<std::string> read_file(const std::string& path,
                              std::size_t enough_bytes = std::string::npos);
// `path` as seen from the folder of `file`; absolute paths stay.
std::string beside(const std::string& file, const std::string& path);
bool is_glob(std::string_view pattern);
// What matches, sorted by bytes. Not an error: nothing. A folder that may not be listed is one: it
// would look like an empty table.
Result<std::vector<std::string>> matches_of(const std::string& pattern);
bool exists(const std::string& path);
// Why a file could not be opened to append to it, as far as looking tells: "there is no folder …".
// `user`: who will write it, "" = whoever runs this; what another user may is not known.
std::string problem_of_output(const std::string& path, const std::string& user);
// The folder in which a glob begins to vary: "routes.d" of "routes.d/*.toml", "." of "*.toml".
std::string folder_of_glob(const std::string& pattern);

}  // namespace weir::config
