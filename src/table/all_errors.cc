#include <algorithm>
#include <string_view>
#include <tuple>
#include <unordered_map>

#include "weir/table/build.h"

namespace weir::table {

std::vector<config::Diagnostic> all_errors(const config::Loaded& loaded, Builder& builder,
                                           Builder::Built& built, Builder::Force force) {
  if (loaded.config.has_value()) {
    built = builder.build(*loaded.config, loaded.quarantined, force);
    return {};
  }
  std::vector<config::Diagnostic> errors = loaded.errors;
  // A builder of its own: what does not load must leave no trace.
  config::Config draft = loaded.draft.value_or(config::Config());
  std::shared_ptr<const Tables> drafted = Builder(1, 0).build(draft).tables;
  for (const Quarantined& entry : drafted->quarantine.listed) {
    auto known = std::find_if(errors.begin(), errors.end(),
                              [&](const auto& earlier) { return earlier.place == entry.place; });
    if (known == errors.end()) {
      errors.push_back({entry.place, entry.reason, entry.kind});
    } else if (entry.reason.find("is weir's own listener") != std::string::npos) {
      // What is wrong with the address of a loop would only lead to the loop.
      known->message = entry.reason;
    }
  }
  // As loading has them: weir.toml first, then the route files.
  std::unordered_map<std::string_view, std::size_t> turns;
  for (const std::string& file : loaded.files) turns.emplace(file, turns.size());
  auto rank = [&](const config::Diagnostic& error) {
    auto turn = turns.find(error.place.file);
    return std::tuple(turn == turns.end() ? turns.size() : turn->second, error.place.line,
                      error.place.column);
  };
  std::stable_sort(
      errors.begin(), errors.end(),
      [&](const config::Diagnostic& a, const config::Diagnostic& b) { return rank(a) < rank(b); });
  return errors;
}

}  // namespace weir::table
