// Files that were written for another program, by their first telling line.
#include <algorithm>
#include <cstdint>

#include "scan.h"
#include "syntax.h"
#include "weir/base/json_text.h"

namespace weir::config {
namespace {

enum class Kind : std::uint8_t {
  kNone,
  kNginx,
  kHaproxy,
  kYaml,
  kJson,
  kCaddy,
  kApache,
  kXml,
  kScript,
  kUnit,
  kMap
};

std::string_view words_for(Kind kind) {
  switch (kind) {
    case Kind::kNginx:
      return "this is an nginx configuration (expected TOML; docs/from-nginx.md translates it word "
             "by word)";
    case Kind::kHaproxy:
      return "this is an HAProxy configuration (expected TOML; docs/from-haproxy.md translates it "
             "word by word)";
    case Kind::kYaml:
      return "this is YAML (expected TOML: [section] lines, then key = value)";
    case Kind::kJson:
      return "this is JSON (expected TOML: [section] lines, then key = value)";
    case Kind::kCaddy:
      return "this is a Caddyfile (expected TOML: a [[route]] with its host, a [pool.NAME] with "
             "its "
             "backends)";
    case Kind::kApache:
      return "this is an Apache configuration (expected TOML: a [[route]] with its host, a "
             "[pool.NAME] with its backends)";
    case Kind::kXml:
      return "this is XML or HTML (expected TOML: [section] lines, then key = value)";
    case Kind::kScript:
      return "this is a script (expected TOML: [section] lines, then key = value)";
    case Kind::kUnit:
      return "this is a systemd unit (expected weir's own file, TOML, as its ExecStart names it)";
    case Kind::kMap:
      return "this is a map of hosts (expected TOML: a [[route]] with host and pool for each line)";
    case Kind::kNone:
      break;
  }
  return {};
}

template <std::size_t count>
bool is_any(std::string_view word, const std::string_view (&words)[count]) {
  return std::find(std::begin(words), std::end(words), word) != std::end(words);
}

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  for (std::size_t begin = line.find_first_not_of(" \t"); begin != std::string_view::npos;) {
    std::size_t end = std::min(line.find_first_of(" \t", begin), line.size());
    words.push_back(line.substr(begin, end - begin));
    begin = line.find_first_not_of(" \t", end);
  }
  return words;
}

bool is_nginx(const std::vector<std::string_view>& words, std::string_view line) {
  constexpr std::string_view kDirectives[] = {"user",
                                              "worker_processes",
                                              "events",
                                              "http",
                                              "server",
                                              "upstream",
                                              "stream",
                                              "include",
                                              "error_log",
                                              "pid",
                                              "load_module",
                                              "location",
                                              "map",
                                              "listen",
                                              "server_name",
                                              "proxy_pass",
                                              "worker_connections"};
  return is_any(words[0], kDirectives) && (line.ends_with(';') || line.ends_with('{'));
}

bool is_haproxy(const std::vector<std::string_view>& words, std::string_view line) {
  constexpr std::string_view kSections[] = {"global",  "defaults", "frontend",
                                            "backend", "listen",   "resolvers",
                                            "peers",   "userlist", "http-errors"};
  return is_any(words[0], kSections) && words.size() <= 4 &&
         line.find_first_of("={}[]\"") == std::string_view::npos && !line.ends_with(':');
}

// "key:" alone, "- item", or several lines "key: value".
bool is_yaml(const std::vector<std::string_view>& lines) {
  std::string_view first = lines[0];
  if (first == "---" || first.starts_with("--- ") || first.starts_with("- ")) return true;
  if (first.ends_with(':') && is_bare_key(first.substr(0, first.size() - 1))) return true;
  std::size_t pairs = 0;
  for (std::string_view line : lines) {
    std::size_t colon = line.find(": ");
    bool is_pair = colon != std::string_view::npos && is_bare_key(line.substr(0, colon));
    bool is_item = line.starts_with("- ") || line.ends_with(':');
    if (!is_pair && !is_item) return false;
    ++pairs;
  }
  return pairs > 1;
}

bool is_map(const std::vector<std::string_view>& lines) {
  return std::all_of(lines.begin(), lines.end(), [](std::string_view line) {
    std::vector<std::string_view> words = words_of(line);
    return words.size() == 2 && line.find_first_of("=;{}[]\"") == std::string_view::npos &&
           words[0].find('.') != std::string_view::npos && is_bare_key(words[1]);
  });
}

bool is_json(const std::vector<std::string_view>& lines) {
  std::string_view first = lines[0];
  std::string_view next = trim(first.substr(1));
  if (next.empty() && lines.size() > 1) next = lines[1];
  if (first[0] == '{') return next.starts_with('"') || next.starts_with('}');
  return first[0] == '[' && (first == "[" || next.starts_with('{') || next.starts_with("\""));
}

Kind kind_of(const std::vector<std::string_view>& lines) {
  std::string_view first = lines[0];
  std::vector<std::string_view> words = words_of(first);
  if (is_json(lines)) return Kind::kJson;
  if (first == "[Unit]" || first == "[Service]") return Kind::kUnit;
  if (first[0] == '<') {
    constexpr std::string_view kApache[] = {"<VirtualHost", "<IfModule", "<Proxy", "<Location"};
    return is_any(words[0], kApache) ? Kind::kApache : Kind::kXml;
  }
  if (is_nginx(words, first)) return Kind::kNginx;
  if (is_haproxy(words, first)) return Kind::kHaproxy;
  bool is_site = first == "{" || (words.size() > 1 && words.back() == "{" &&
                                  first.find_first_of(".:") != std::string_view::npos);
  if (is_site) return Kind::kCaddy;
  if (is_yaml(lines)) return Kind::kYaml;
  return is_map(lines) ? Kind::kMap : Kind::kNone;
}

std::string_view binary_kind(std::string_view text) {
  if (text.starts_with("\x7f"
                       "ELF"))
    return "this is a program, not a text (expected TOML)";
  if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff"))
    return "this text is in UTF-16 (expected UTF-8: save it so)";
  if (text.starts_with("\x1f\x8b")) return "this file is compressed (expected TOML; unpack it)";
  std::string_view begin = text.substr(0, 4096);
  bool is_binary = std::any_of(begin.begin(), begin.end(), [](char c) { return c >= 0 && c < 9; });
  if (is_binary) return "this file is binary (expected a text in TOML)";
  return {};
}

// The first line of a conflict that git has marked, or 0.
unsigned conflict_line(std::string_view text) {
  unsigned number = 0;
  for (std::string_view line : split_lines(text)) {
    ++number;
    if (line.starts_with("<<<<<<< ") || line.starts_with(">>>>>>> ") || line == "=======") {
      return number;
    }
  }
  return 0;
}

// A text in an older encoding: the parser would complain of whatever stands in front of the byte.
SyntaxError other_encoding(std::string_view text) {
  std::size_t good = utf8_prefix(text);
  if (good == text.size()) return {};
  auto line = static_cast<unsigned>(std::count(text.data(), text.data() + good, '\n')) + 1;
  std::size_t begin = text.substr(0, good).rfind('\n') + 1;
  return {line, column_at(text.substr(begin), good - begin),
          "a byte that is no UTF-8 (expected UTF-8: save the file so)"};
}

}  // namespace

SyntaxError foreign_format(std::string_view text) {
  if (std::string_view binary = binary_kind(text); !binary.empty()) {
    return {1, 1, std::string(binary)};
  }
  if (text.starts_with("#!")) return {1, 1, std::string(words_for(Kind::kScript))};
  if (unsigned line = conflict_line(text); line != 0) {
    return {line, 1, "a merge conflict is left in this file (expected one of its two sides)"};
  }
  constexpr std::size_t kEnough = 20;
  std::vector<std::string_view> lines;
  unsigned number = 0;
  unsigned first = 0;
  for (std::string_view line : split_lines(text)) {
    ++number;
    std::string_view code = trim(line);
    if (code.empty() || code[0] == '#') continue;
    if (lines.empty()) first = number;
    lines.push_back(code);
    if (lines.size() == kEnough) break;
  }
  Kind kind = lines.empty() ? Kind::kNone : kind_of(lines);
  if (kind == Kind::kNone) return other_encoding(text);
  return {first, 1, std::string(words_for(kind))};
}

}  // namespace weir::config
