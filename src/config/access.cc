// Who may use the admin interface: [admin] token_file and hosts, and where it may listen.
#include <sys/stat.h>

#include <algorithm>

#include "files.h"
#include "loader.h"
#include "texts.h"
#include "values.h"

namespace weir::config {
namespace {

constexpr std::string_view kTokenLine = "NAME:TOKEN, or a # comment";

// RFC 6750 §2.1, and what else fits into a field without doubt: visible ASCII.
bool is_secret(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

std::string_view trimmed(std::string_view text) {
  std::size_t begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

bool is_readable_by_others(const std::string& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 && (status.st_mode & (S_IROTH | S_IWOTH)) != 0;
}

}  // namespace

bool FilePath::read(Scope& scope, const Node& node, Value& out) {
  if (!read_string(scope, node, "the path of a file", out)) return false;
  if (!out.empty()) out = beside(scope.file, out);
  return true;
}

bool FolderPath::read(Scope& scope, const Node& node, Value& out) {
  if (!read_string(scope, node, "the path of a folder", out)) return false;
  if (!out.empty()) out = beside(scope.file, out);
  return true;
}

bool HostNames::read(Scope& scope, const Node& node, Value& out) {
  constexpr std::string_view kForms = "a list of host names: [\"weir.example.com\"]";
  bool is_host = node.kind == Node::Kind::kString && parse_host_pattern(node.text).ok();
  if (!is_list(scope, node, kForms, is_host ? in_quotes(node.text) : "")) return false;
  out.clear();
  for (const Node& item : node.items) {
    if (item.kind != Node::Kind::kString) {
      scope.expected(item, kForms);
      continue;
    }
    Result<std::string> host = parse_host_pattern(item.text);
    if (!host.ok()) {
      scope.wrong(item, host.error().message);
    } else if (host->starts_with('*') || host->starts_with('.')) {
      scope.wrong(item,
                  in_quotes(item.text) + " stands for several names (expected each by itself)");
    } else {
      out.push_back(std::move(host).value());
    }
  }
  return out.size() == node.items.size();
}

// Line by line, so that each mistake has its place; the tokens themselves are never shown.
void Loader::read_tokens(const Node* token_file) {
  const std::string& path = config_.admin.token_file;
  if (path.empty() || token_file == nullptr) return;
  Place place{main_file_, token_file->line, token_file->column};
  files_.push_back(path);
  report_.begin_file(path);
  Result<std::string> text = read_file(path);
  if (!text.ok()) return report_.add(place, "token_file: " + text.error().message);
  if (is_readable_by_others(path))
    warnings_.push_back({{path, 0, 0}, "other users may read or write this file (chmod o= it)"});
  std::string_view rest = *text;
  bool has_error = false;
  for (unsigned line = 1; !rest.empty(); ++line) {
    std::size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view entry = trimmed(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (entry.empty() || entry.front() == '#') continue;
    std::size_t colon = std::min(entry.find(':'), entry.size());
    std::string_view name = trimmed(entry.substr(0, colon));
    std::string_view secret = trimmed(entry.substr(std::min(colon + 1, entry.size())));
    if (is_name(name) && is_secret(secret)) {
      config_.admin.tokens.push_back({std::string(name), std::string(secret)});
      continue;
    }
    has_error = true;
    report_.add({path, line, 1}, "no line of a token file (expected " + std::string(kTokenLine) +
                                     "; names of letters, digits, \".\", \"_\" and \"-\")");
  }
  if (config_.admin.tokens.empty() && !has_error)
    report_.add(place, "token_file: " + path + " has no token (expected lines " +
                           std::string(kTokenLine) + ")");
}

// Whoever reaches the admin interface may take this weir out of service.
void Loader::check_admin_binds() {
  if (!config_.admin.token_file.empty()) return;
  const std::vector<BindAddress>& binds = config_.admin.bind;
  for (std::size_t i = 0; i < binds.size(); ++i) {
    if (binds[i].endpoint.is_unix() || binds[i].endpoint.ip.is_loopback()) continue;
    bool has_places = binds.size() == admin_bind_places_.size();
    report_.add(has_places ? admin_bind_places_[i] : Place{main_file_, 0, 0},
                "bind: " + in_quotes(binds[i].text) +
                    " is not loopback and needs [admin] token_file, so that not everybody may use "
                    "it (expected token_file = \"FILE\" with lines NAME:TOKEN, an address such as "
                    "\"127.0.0.1:8042\" or \"unix:PATH\", or [metrics] bind for scraping alone)");
  }
}

}  // namespace weir::config
