// [pages]: which page answers which failure, and the pages themselves.
#include <sys/stat.h>

#include <algorithm>
#include <optional>

#include "files.h"
#include "loader.h"
#include "suggest.h"
#include "values.h"
#include "weir/base/ascii.h"
#include "weir/base/json_text.h"

namespace weir::config {
namespace {

constexpr std::string_view kKeys =
    "a status such as \"503\", \"4xx\", \"5xx\", a reason such as \"no_usable_backend\", or "
    "[pages.\"www.example.com\"] with these for a host";
constexpr std::string_view kFiles =
    "a file that ends in .html, .json or .txt, or a list of one each";

struct Extension {
  std::string_view text;
  Form form;
};
constexpr Extension kExtensions[] = {
    {".html", Form::kHtml}, {".htm", Form::kHtml}, {".json", Form::kJson}, {".txt", Form::kText}};

std::optional<Form> form_of(std::string_view path) {
  for (const Extension& extension : kExtensions) {
    if (path.ends_with(extension.text)) return extension.form;
  }
  return std::nullopt;
}

bool is_status(std::string_view key) { return key.size() == 3 && is_digits(key); }

// Those that a key stands for; none: it is no key.
std::vector<Failure> failures_of(std::string_view key) {
  std::vector<Failure> failures;
  for (std::size_t i = 0; i < kFailureCount; ++i) {
    const FailureRow& row = kFailureRows[i];
    if (row.status == 0) continue;  // nobody is answered
    std::string status = std::to_string(row.status);
    if (key == row.name || key == status || key == status.substr(0, 1) + "xx")
      failures.push_back(static_cast<Failure>(i));
  }
  return failures;
}

PageKey kind_of(std::string_view key) {
  if (is_status(key)) return PageKey::kStatus;
  return key.ends_with("xx") ? PageKey::kClass : PageKey::kReason;
}

std::string problem_of_key(std::string_view key) {
  std::vector<std::string_view> reasons = {"4xx", "5xx"};
  std::string statuses;
  for (const FailureRow& row : kFailureRows) {
    if (row.status == 0) {
      if (key == row.name) return "nobody is there to read a page then, or an answer had begun";
      continue;
    }
    reasons.push_back(row.name);
    std::string status = std::to_string(row.status);
    if (statuses.find(status) == std::string::npos)
      statuses += (statuses.empty() ? "" : ", ") + status;
  }
  if (is_status(key))
    return "weir itself never answers that, and what backends answer passes as it is (expected one "
           "of " +
           statuses + ")";
  std::string_view meant = suggest(key, reasons);
  std::string text = "(expected " + std::string(kKeys);
  if (!meant.empty()) text += "; did you mean " + in_quotes(meant) + "?";
  return text + ")";
}

// What is wrong with a page; or "".
std::string problem_of_text(std::string_view text) {
  if (text.empty()) return "is empty";
  if (text.size() > kMaxPageBytes) return "holds more than 64 KiB";
  if (text.starts_with("HTTP/1."))
    return "begins like a whole answer (expected the page alone, without status line and fields)";
  std::size_t bad = first_not_utf8(text);
  if (bad == text.size()) return {};
  auto line = 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(bad), '\n');
  return "is not UTF-8 (line " + std::to_string(line) + ")";
}

// [pages.www.example.com], which TOML reads as tables in tables: the host that was meant; or "".
std::string dotted_host(const Member& member) {
  std::string host = member.key;
  const Node* table = &member.value;
  auto is_part = [](const Member& part) {
    return part.value.is_table() && failures_of(part.key).empty();
  };
  while (!table->members.empty() && is_part(table->members[0])) {
    host += "." + table->members[0].key;
    table = &table->members[0].value;
  }
  return table == &member.value ? std::string() : host;
}

bool is_regular(const std::string& path) {
  struct stat status {};
  return stat(path.c_str(), &status) != 0 || S_ISREG(status.st_mode);
}

}  // namespace

void Loader::read_pages(const Node& root) {
  const Node* section = root.find("pages");
  if (section == nullptr || !is_section(report_, main_file_, *section, "pages")) return;
  read_page_table(*section, "");
  std::map<std::string, Place> hosts;
  for (const Member& member : section->members) {
    if (!member.value.is_table() || !failures_of(member.key).empty()) continue;
    Place place{main_file_, member.line, member.column};
    std::string meant = dotted_host(member);
    if (!meant.empty()) {
      report_.add(place, "a host with dots stands in quotation marks (did you mean [pages." +
                             in_quotes(meant) + "]?)");
      continue;
    }
    Result<std::string> host = parse_host_pattern(member.key);
    if (!host.ok() || *host == "*") {
      report_.add(place, !host.ok() ? host.error().message
                                    : "pages for every host stand in [pages] itself");
      continue;
    }
    auto [known, is_new] = hosts.emplace(*host, place);
    if (!is_new)
      report_.add(place, "the pages of " + in_quotes(*host) + " stand here twice, first at " +
                             known->second.text());
    else
      read_page_table(member.value, *host);
  }
}

// The keys of [pages], or of one host in it.
void Loader::read_page_table(const Node& table, const std::string& host) {
  std::string section = host.empty() ? "pages" : "pages." + in_quotes(host);
  Scope scope{report_, main_file_, "[" + section + "]", nullptr, {}, {}};
  for (const Member& member : table.members) {
    PageEntry entry;
    entry.host = host;
    entry.key = kind_of(member.key);
    entry.failures = failures_of(member.key);
    if (entry.failures.empty()) {
      if (host.empty() && member.value.is_table()) continue;  // a host
      std::string problem = problem_of_key(member.key);
      std::string_view gap = problem.starts_with('(') ? " " : ": ";
      report_.add(scope.place(member.line, member.column), "unknown key " + in_quotes(member.key) +
                                                               " in " + scope.section +
                                                               std::string(gap) + problem);
      continue;
    }
    scope.key = member.key;
    read_page_files(scope, member.value, entry);
    std::vector<std::string> paths;
    for (const PageFile& file : entry.files) paths.push_back(in_quotes(file.path));
    std::string key = entry.key == PageKey::kReason ? member.key : in_quotes(member.key);
    dump_.push_back({section, key, paths.size() == 1 ? paths[0] : list_text(paths),
                     main_file_ + ":" + std::to_string(member.line)});
    if (!entry.files.empty()) config_.pages.push_back(std::move(entry));
  }
}

void Loader::read_page_files(Scope& scope, const Node& node, PageEntry& entry) {
  if (node.kind != Node::Kind::kList) {
    read_page_file(scope, node, entry);
    return;
  }
  if (node.items.empty()) scope.expected(node, kFiles);
  for (const Node& item : node.items) read_page_file(scope, item, entry);
}

void Loader::read_page_file(Scope& scope, const Node& node, PageEntry& entry) {
  std::string path;
  if (!read_string(scope, node, kFiles, path)) return;
  std::optional<Form> form = form_of(path);
  if (!form) {
    scope.expected(node, kFiles);
    return;
  }
  for (const PageFile& other : entry.files) {
    if (other.form != *form) continue;
    scope.wrong(node, in_quotes(path) + " is a second file of that form (expected one each)");
    return;
  }
  path = beside(main_file_, path);
  std::shared_ptr<const std::string>& text = page_texts_[path];
  if (text == nullptr) text = load_page(scope, node, path);
  if (text != nullptr) entry.files.push_back({path, *form, text});
}

// Null after reporting what is wrong.
std::shared_ptr<const std::string> Loader::load_page(Scope& scope, const Node& node,
                                                     const std::string& path) {
  files_.push_back(path);
  if (!is_regular(path)) {
    scope.wrong(node, path + " is no file (expected " + std::string(kFiles) + ")");
    return nullptr;
  }
  Result<std::string> text = read_file(path, kMaxPageBytes);
  if (!text.ok()) {
    scope.wrong(node, text.error().message);
    return nullptr;
  }
  if (std::string problem = problem_of_text(*text); !problem.empty()) {
    scope.wrong(node, path + " " + problem);
    return nullptr;
  }
  warn_of_placeholders(path, *text);
  return std::make_shared<const std::string>(std::move(text).value());
}

// A word in braces that is almost one of ours.
void Loader::warn_of_placeholders(const std::string& path, std::string_view text) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-";
  for (std::size_t at = text.find('{'); at != std::string_view::npos; at = text.find('{', at + 1)) {
    std::size_t end = text.find_first_not_of(kLetters, at + 1);
    if (end == std::string_view::npos || text[end] != '}') continue;
    std::string_view word = text.substr(at + 1, end - at - 1);
    std::string_view meant = suggest(word, kPlaceholders);
    if (meant.empty() || meant == word) continue;
    std::size_t line_begin = text.rfind('\n', at) + 1;  // npos + 1 is 0
    auto line = 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n');
    warnings_.push_back(
        {{path, static_cast<unsigned>(line), static_cast<unsigned>(at - line_begin + 1)},
         "{" + std::string(word) + "} stays as it is (did you mean {" + std::string(meant) +
             "}?)"});
  }
}

}  // namespace weir::config
