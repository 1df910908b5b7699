#pragma once
// What somebody probably meant: the nearest of the legal words, or what other proxies' word is
// called here. Pure.
#include <span>
#include <string>
#include <string_view>

namespace weir::config {

// One of `legal`, or "" when nothing is near.
std::string_view suggest(std::string_view word, std::span<const std::string_view> legal);
// One of `legal` if `word` is it in another spelling or in another proxy's words, else "".
std::string_view translate(std::string_view word, std::span<const std::string_view> legal);
// Lower case, '_' for '-' and blanks.
std::string normal_form(std::string_view word);

}  // namespace weir::config
