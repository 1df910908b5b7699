// The input is a table and requests: lines "HOST [PATH [SCHEME]]" up to an empty line are routes,
// the lines behind it "AUTHORITY TARGET". What is accepted as a host is read as the same host
// again; the walk finds what the contract's walk, written down naively, finds (CONTRACT §2); and no
// path that climbs, however encoded, finds a route under a path (R11).
#include <algorithm>
#include <map>

#include "http/start_line.h"
#include "naive_head.h"
#include "target.h"
#include "weir/http/forward.h"
#include "weir/route/route_table.h"

namespace weir::fuzz {
namespace {

using namespace route;
using http::Scheme;

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  char small = static_cast<char>(c | 0x20);
  return small >= 'a' && small <= 'f' ? small - 'a' + 10 : -1;
}

// Escapes decoded once: all, or those of unreserved characters.
std::string decoded(std::string_view text, bool is_only_unreserved) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    bool is_escape =
        text[i] == '%' && i + 2 < text.size() && hex(text[i + 1]) >= 0 && hex(text[i + 2]) >= 0;
    if (!is_escape) {
      out += text[i];
      continue;
    }
    auto byte = static_cast<char>(hex(text[i + 1]) * 16 + hex(text[i + 2]));
    bool is_unreserved =
        byte != '\0' &&
        std::string_view("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~")
                .find(byte) != std::string_view::npos;
    if (is_only_unreserved && !is_unreserved) {
      out += text.substr(i, 3);
    } else {
      out += byte;
    }
    i += 2;
  }
  return out;
}

bool climbs_as_it_stands(std::string_view path) {
  std::string text(path);
  std::replace(text.begin(), text.end(), '\\', '/');
  for (std::size_t begin = text.find('/'); begin != std::string::npos;
       begin = text.find('/', begin)) {
    ++begin;
    std::string segment = text.substr(begin, text.find('/', begin) - begin);
    if (segment.substr(0, segment.find(';')) == "..") return true;
  }
  return false;
}

enum class Climbing : std::uint8_t { kNo, kYes, kEncodedTooOften };
Climbing climbing(std::string path) {
  constexpr int kMaxRounds = 4;
  for (int round = 0;; ++round) {
    if (climbs_as_it_stands(path)) return Climbing::kYes;
    std::string next = decoded(path, false);
    if (next == path) return Climbing::kNo;
    if (round == kMaxRounds) return Climbing::kEncodedTooOften;
    path = next;
  }
}

struct Entry {
  std::string host;
  std::string path;
  int scheme = 2;  // 0 http, 1 https, 2 either
  auto operator<=>(const Entry&) const = default;
};
using Entries = std::map<Entry, std::string>;

bool is_literal(const std::string& host) {
  if (host.starts_with('[')) return true;
  return host.find('.') != std::string::npos && host.back() != '.' &&
         host.find_first_not_of("0123456789.") == std::string::npos;
}

std::vector<std::string> walk_of(const std::string& host) {
  if (host.empty()) return {"*"};
  if (is_literal(host)) {
    Result<IpAddress> ip = IpAddress::parse(host);
    std::string text = !ip.ok() ? host : ip->is_v6() ? "[" + ip->ip_text() + "]" : ip->ip_text();
    return {text, "*"};
  }
  std::vector<std::string> walk{host, "." + host};
  bool is_first = true;
  for (std::size_t dot = host.find('.'); dot != std::string::npos; dot = host.find('.', dot + 1)) {
    if (is_first) walk.push_back("*" + host.substr(dot));
    walk.push_back(host.substr(dot));
    is_first = false;
  }
  walk.emplace_back("*");
  return walk;
}

bool is_below(const std::string& path, const std::string& prefix) {
  return prefix.empty() || path == prefix || path.starts_with(prefix + "/");
}

std::string expected(const Entries& entries, const std::string& host, const std::string& path,
                     int scheme, bool is_climbing) {
  if (entries.empty()) return "empty";
  for (const std::string& pattern : walk_of(host)) {
    bool has_matched = false;
    bool has_paths = false;
    const Entry* best = nullptr;
    std::string label = "404";
    for (const auto& [entry, its_label] : entries) {
      has_paths |= entry.host == pattern && !entry.path.empty();
      if (entry.host != pattern || (entry.scheme != 2 && entry.scheme != scheme)) continue;
      has_matched = true;
      if (!is_below(path, entry.path)) continue;
      bool is_better = best == nullptr || entry.path.size() > best->path.size() ||
                       (entry.path.size() == best->path.size() && entry.scheme < best->scheme);
      if (!is_better) continue;
      best = &entry;
      label = its_label;
    }
    if (has_matched) return has_paths && is_climbing ? "400" : label;
  }
  return "404";
}

std::string_view take_word(std::string_view& line) {
  std::size_t end = std::min(line.find(' '), line.size());
  std::string_view word = line.substr(0, end);
  line.remove_prefix(std::min(end + 1, line.size()));
  return word;
}

std::string_view take_line(std::string_view& text) {
  std::size_t end = std::min(text.find('\n'), text.size());
  std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

void check_authority(std::string_view text) {
  Exact bytes(text);
  http::RequestHead head;
  bool is_accepted = http::parse_authority(bytes.view(), head);
  HOLDS(is_accepted == is_authority(text), shown(text));
  if (!is_accepted) return;
  std::string host(head.host);
  HOLDS(host == lower(host) && !host.ends_with('.') && !host.empty(), shown(text));
  http::RequestHead again;
  HOLDS(http::parse_authority(host, again) && again.host == host, shown(text));
  HOLDS(http::parse_authority(host + ":65535", again) && again.host == host, shown(text));
}

void check_pattern(std::string_view text) {
  Result<std::string> pattern = canonical_host_pattern(text);
  if (!pattern.ok()) {
    HOLDS(!pattern.error().message.empty());
    return;
  }
  Result<std::string> again = canonical_host_pattern(*pattern);
  HOLDS(again.ok() && *again == *pattern, shown(text));
  http::RequestHead head;
  if (!http::parse_authority(text, head) || text.starts_with('[')) return;
  HOLDS(head.host == *pattern, shown(text));
}

// As config/paths.cc lets a path through: it never climbs, and has no slash at its end.
bool is_route_path(const std::string& path) {
  if (path.empty()) return true;
  bool is_visible =
      std::all_of(path.begin(), path.end(), [](char c) { return c > ' ' && c < 0x7f; });
  return path.front() == '/' && path.back() != '/' && is_visible &&
         climbing(path) == Climbing::kNo && path.find_first_of("?#\\") == std::string::npos;
}

class Table {
 public:
  Table(std::string_view& lines, std::uint64_t seed) : editor_(seed) {
    while (!lines.empty()) {
      std::string_view line = take_line(lines);
      if (line.empty()) break;
      add(line);
    }
    table_ = editor_.publish();
    HOLDS(table_->routes() == entries_.size());
  }

  void check_request(std::string_view authority, std::string_view target) const {
    Exact authority_bytes(authority);
    http::RequestHead head;
    if (!authority.empty() && !http::parse_authority(authority_bytes.view(), head)) return;
    std::string host(head.host);
    std::string raw(target.substr(0, target.find('?')));
    if (!raw.starts_with('/')) return;
    Climbing climb = climbing(raw);
    bool is_unsafe = http::has_dot_dot_segment(raw);
    if (climb != Climbing::kEncodedTooOften)
      HOLDS(is_unsafe == (climb == Climbing::kYes), shown(raw));
    std::string scratch;
    std::string path = decoded(raw, true);
    Exact raw_bytes(raw);
    HOLDS(http::matching_path(raw_bytes.view(), scratch) == path, shown(raw));
    for (int scheme : {0, 1}) {
      Match match = table_->find(host, raw_bytes.view(), static_cast<Scheme>(scheme), scratch);
      std::string found = match.outcome == Outcome::kMatched      ? (*match.route)->label.str()
                          : match.outcome == Outcome::kUnsafePath ? "400"
                          : match.outcome == Outcome::kTableEmpty ? "empty"
                                                                  : "404";
      std::string wanted = expected(entries_, host, path, scheme, is_unsafe);
      HOLDS(found == wanted, shown(host) + " " + shown(raw) + ": " + found + ", naively " + wanted);
    }
  }

 private:
  void add(std::string_view line) {
    std::string_view host_text = take_word(line);
    check_pattern(host_text);
    Result<std::string> host = canonical_host_pattern(host_text);
    std::string path(take_word(line));
    std::string_view scheme = take_word(line);
    if (!host.ok() || !is_route_path(path)) return;
    Entry entry{*host, decoded(path, true), scheme == "http" ? 0 : scheme == "https" ? 1 : 2};
    RouteKey key{*host, path, std::nullopt};
    if (entry.scheme != 2) key.scheme = static_cast<Scheme>(entry.scheme);
    Route route;
    route.label = "route " + std::to_string(entries_.size());
    bool is_new = entries_.try_emplace(entry, route.label.str()).second;
    RouteNumber number = editor_.add_route(std::make_shared<const Route>(route));
    PlacedRoute there = editor_.insert(key, {number, 0});
    HOLDS((there.route == kNoRoute) == is_new, shown(host_text) + " " + shown(path));
    HOLDS(is_new || editor_.route(there.route)->label == entries_[entry]);
  }

  RouteTableEditor editor_;
  std::shared_ptr<const RouteTable> table_;
  Entries entries_;
};

}  // namespace

void run(std::string_view input) {
  Digest digest(input);
  Table table(input, digest.below(1u << 30));
  while (!input.empty()) {
    std::string_view line = take_line(input);
    std::string_view authority = take_word(line);
    check_authority(authority);
    check_pattern(authority);
    table.check_request(authority, line);
  }
}

}  // namespace weir::fuzz
