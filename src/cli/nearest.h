#pragma once
// What somebody probably meant among names that were made up by people. Pure.
#include <string>
#include <string_view>
#include <vector>

namespace weir::cli {

// `; did you mean "web"?`, or nothing when none is near: a quarter of its letters may differ, one
// at least.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& names);

}  // namespace weir::cli
