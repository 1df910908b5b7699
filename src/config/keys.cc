#include "keys.h"

#include <algorithm>

#include "schema.h"
#include "suggest.h"

namespace weir::config {
namespace {

struct Advice {
  std::string_view section;
  std::string_view word;
  std::string_view text;
};
constexpr Advice kAdvice[] = {
#define ADVICE(section, word, text) {section, word, text},
#include "advice.def"
#undef ADVICE
};

// "pool" of "[pool.web]", "route" of "[[route]]".
std::string_view kind_of(std::string_view section) {
  std::size_t begin = std::min(section.find_first_not_of('['), section.size());
  return section.substr(begin, section.find_first_of(".]", begin) - begin);
}

std::string_view find_advice(std::string_view section, std::string_view word) {
  if (section == "pool_defaults") section = "pool";
  std::string normal = normal_form(word);
  std::string_view general;
  for (const Advice& row : kAdvice) {
    if (row.word != normal) continue;
    if (row.section == section) return row.text;
    if (row.section.empty()) general = row.text;
  }
  return general;
}

// A key in the words of a message, and whether this version has it.
struct Meant {
  std::string text;
  bool is_available = true;
};

bool is_of(const Shown& shown, std::string_view key) {
  return shown.key == key ||
         (shown.key.starts_with(key) && shown.key.substr(key.size()).starts_with('.'));
}

bool is_available(std::string_view key, const std::vector<Shown>& all) {
  bool is_known = false;
  for (const Shown& shown : all) {
    if (!is_of(shown, key)) continue;
    if (shown.use == Use::kSetting || shown.use == Use::kExample) return true;
    is_known = true;
  }
  return !is_known;
}

Meant meant(std::string_view key, const std::vector<Shown>& all, std::string_view where = {}) {
  std::string text = in_quotes(key);
  if (!where.empty()) text.append(" in ").append(where);
  return {std::move(text), is_available(key, all)};
}

// A key of another section; those that this version has come first.
Meant meant_elsewhere(std::string_view word, bool is_exact) {
  Meant best;
  for (const SchemaSection& section : schema()) {
    if (section.name == "pool_defaults") continue;  // the same keys as [pool.NAME]
    std::vector<std::string_view> keys;
    for (const Shown& shown : section.keys) {
      if (shown.key.find('.') == std::string::npos) keys.push_back(shown.key);
    }
    std::string_view found = translate(word, keys);
    if (found.empty() || (is_exact && found != word)) continue;
    Meant candidate = meant(found, section.keys, section.title);
    bool is_better =
        best.text.empty() || (candidate.is_available && !best.is_available) ||
        (section.name == "route" && candidate.is_available && best.text.ends_with("[pool.NAME]"));
    if (is_better) best = std::move(candidate);
  }
  return best;
}

// "timeouts.connect" for "connect_timeout" where a pool has its own timeouts.
Meant meant_nested(std::string_view word, const std::vector<Shown>& all) {
  for (const Shown& shown : all) {
    std::size_t dot = shown.key.rfind('.');
    if (dot == std::string::npos) continue;
    std::string_view last = std::string_view(shown.key).substr(dot + 1);
    if (translate(word, {&last, 1}) == last) return meant(shown.key, all);
  }
  return {};
}

Meant meant_key(std::string_view word, const Legal& legal) {
  if (std::string_view here = translate(word, legal.keys); !here.empty()) {
    return meant(here, legal.all);
  }
  if (Meant nested = meant_nested(word, legal.all); !nested.text.empty()) return nested;
  if (Meant elsewhere = meant_elsewhere(word, true); !elsewhere.text.empty()) return elsewhere;
  if (std::string_view here = suggest(word, legal.keys); !here.empty()) {
    return meant(here, legal.all);
  }
  return meant_elsewhere(word, false);
}

// `route = […]` and `pool = {…}` below a title belong to that section.
bool is_misplaced_section(const Member& member) {
  bool is_entry = member.key == "route" || member.key == "pool" || member.key == "listener";
  return is_entry && (member.value.is_table() || member.value.is_list_of_tables());
}

}  // namespace

std::string meant_title(std::string_view dotted) {
  std::vector<std::string_view> names;
  for (const SchemaSection& section : schema()) names.push_back(section.name);
  std::size_t dot = std::min(dotted.find('.'), dotted.size());
  std::string_view section = suggest(dotted.substr(0, dot), names);
  if (section.empty()) return {};
  if (section == "route") return "[[route]]";
  std::string title = "[" + std::string(section);
  bool is_named = section == "pool" || section == "listener";
  if (is_named) title += dot + 1 < dotted.size() ? std::string(dotted.substr(dot)) : ".NAME";
  return title + "]";
}

std::string meant_anywhere(std::string_view words) {
  Meant found = meant_elsewhere(words, true);
  if (found.text.empty()) found = meant_elsewhere(words, false);
  return found.is_available ? found.text : std::string();
}

bool Scope::expected(const Node& at, std::string_view what, std::string_view meant_text) {
  std::string message = full_key() + " is " + at.description() + " (expected ";
  message += what;
  if (!meant_text.empty()) message.append("; did you mean ").append(meant_text).append("?");
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
  Place place = scope.place(member.line, member.column);
  if (is_misplaced_section(member)) {
    std::string title = member.key == "route" ? "[[route]]" : "[" + member.key + ".NAME]";
    scope.report.add(place, in_quotes(member.key) + " stands within " + scope.section +
                                " here (a section goes on until the next title: expected " + title +
                                ", or this line above the first title)");
    return;
  }
  std::string message = "unknown key " + in_quotes(member.key) + " in " + scope.section;
  std::string_view advice = find_advice(kind_of(scope.section), member.key);
  Meant meant = meant_key(member.key, legal);
  if (!advice.empty()) {
    message.append(" (").append(advice).append(")");
  } else if (!meant.text.empty() && meant.is_available) {
    message.append(" (did you mean ").append(meant.text).append("?)");
  } else if (!meant.text.empty()) {
    message.append(" (weir's word is ").append(meant.text);
    message.append(", which is not available in this version)");
  } else if (std::string title = meant_title(member.key); !title.empty()) {
    message.append(" (").append(title).append(" is a section of its own)");
  }
  scope.report.add(place, message);
}

std::string_view advice_for(std::string_view word) { return find_advice({}, word); }

bool is_meant(const Node& table, std::string_view key, std::span<const std::string_view> legal) {
  return std::any_of(table.members.begin(), table.members.end(), [&](const Member& member) {
    bool is_key = std::find(legal.begin(), legal.end(), member.key) != legal.end();
    return !is_key && suggest(member.key, legal) == key;
  });
}

void note_origin(Scope& scope, const Member& member) {
  if (scope.origins == nullptr) return;
  (*scope.origins)[scope.prefix + member.key] = scope.file + ":" + std::to_string(member.line);
}

}  // namespace weir::config
