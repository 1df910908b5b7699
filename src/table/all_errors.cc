#include <algorithm>
#include <tuple>

#include "weir/table/build.h"

namespace weir::table {

namespace {

auto place_of(const config::Diagnostic& error) {
  return std::tie(error.place.file, error.place.line, error.place.column);
}

bool is_loop(const config::Diagnostic& error) {
  return error.message.find("is weir's own listener") != std::string::npos;
}

}  // namespace

std::vector<config::Diagnostic> all_errors(const config::Loaded& loaded, Builder& builder,
                                           Builder::Built& built) {
  std::vector<config::Diagnostic> errors = loaded.errors;
  if (loaded.config.has_value()) {
    built = builder.build(*loaded.config);
    errors.insert(errors.end(), built.errors.begin(), built.errors.end());
  } else if (loaded.draft.has_value()) {
    // A builder of its own: what does not load must leave no trace. Missing pools may be missing
    // because of an error that is reported already.
    for (config::Diagnostic& error : Builder(1, 0).build(*loaded.draft).errors) {
      auto known = std::find_if(errors.begin(), errors.end(), [&](const auto& earlier) {
        return place_of(earlier) == place_of(error);
      });
      if (known != errors.end()) {
        // What is wrong with the address of a loop would only lead to the loop.
        if (is_loop(error)) *known = std::move(error);
      } else if (!error.message.starts_with("there is no pool")) {
        errors.push_back(std::move(error));
      }
    }
  }
  // As loading has them: weir.toml first, then the route files.
  auto rank = [&](const config::Diagnostic& error) {
    auto turn = std::find(loaded.files.begin(), loaded.files.end(), error.place.file);
    return std::tuple(turn, error.place.line, error.place.column);
  };
  std::stable_sort(
      errors.begin(), errors.end(),
      [&](const config::Diagnostic& a, const config::Diagnostic& b) { return rank(a) < rank(b); });
  return errors;
}

}  // namespace weir::table
