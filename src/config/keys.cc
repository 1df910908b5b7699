#include "keys.h"

#include <algorithm>

#include "schema.h"
#include "suggest.h"

namespace weir::config {
namespace {

// A key of another section in the words of a message, or "".
std::string meant_elsewhere(std::string_view word, bool is_exact) {
  for (const SchemaSection& section : schema()) {
    std::vector<std::string_view> keys;
    for (const Shown& shown : section.keys) {
      if (shown.key.find('.') == std::string::npos) keys.push_back(shown.key);
    }
    std::string_view found = translate(word, keys);
    if (found.empty() || (is_exact && found != word)) continue;
    return in_quotes(found) + " in " + std::string(section.title);
  }
  return {};
}

// "timeouts.connect" for "connect_timeout" where a pool has its own timeouts.
std::string meant_nested(std::string_view word, const std::vector<Shown>& all) {
  for (const Shown& shown : all) {
    std::size_t dot = shown.key.rfind('.');
    if (dot == std::string::npos) continue;
    std::string_view last = std::string_view(shown.key).substr(dot + 1);
    if (translate(word, {&last, 1}) == last) return in_quotes(shown.key);
  }
  return {};
}

std::string meant_key(std::string_view word, const Legal& legal) {
  if (std::string_view here = translate(word, legal.keys); !here.empty()) return in_quotes(here);
  if (std::string nested = meant_nested(word, legal.all); !nested.empty()) return nested;
  if (std::string elsewhere = meant_elsewhere(word, true); !elsewhere.empty()) return elsewhere;
  if (std::string_view here = suggest(word, legal.keys); !here.empty()) return in_quotes(here);
  return meant_elsewhere(word, false);
}

}  // namespace

bool Scope::expected(const Node& at, std::string_view what, std::string_view meant) {
  std::string message = full_key() + " is " + at.description() + " (expected ";
  message += what;
  if (!meant.empty()) message += "; did you mean " + std::string(meant) + "?";
  error(at, message + ")");
  return false;
}

bool Scope::wrong(const Node& at, std::string_view problem) {
  error(at, full_key() + ": " + std::string(problem));
  return false;
}

bool Scope::unavailable(const Node& at, std::string_view default_text) {
  std::string message = full_key() + " is not available in this version";
  if (!default_text.empty())
    message += " (expected its default, " + std::string(default_text) + ")";
  error(at, message);
  return false;
}

void report_unknown_key(Scope& scope, const Member& member, const Legal& legal) {
  std::string message = "unknown key " + in_quotes(member.key) + " in " + scope.section;
  std::string meant = meant_key(member.key, legal);
  if (!meant.empty()) message += " (did you mean " + meant + "?)";
  scope.report.add(scope.place(member.line, member.column), message);
}

void note_origin(Scope& scope, const Member& member) {
  if (scope.origins == nullptr) return;
  (*scope.origins)[scope.prefix + member.key] = scope.file + ":" + std::to_string(member.line);
}

}  // namespace weir::config
