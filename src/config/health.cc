#include "health.h"

#include <algorithm>
#include <charconv>

#include "rows.h"
#include "texts.h"
#include "weir/base/ascii.h"

namespace weir::config {
namespace {

constexpr std::string_view kForms = "false, { path = \"/up\" } or { tcp = true }";
constexpr std::size_t kMaxTextBytes = 1024;

// A path as it is sent: no spaces, no control bytes, nothing beyond ASCII.
struct CheckPath {
  using Value = std::string;
  static bool read(Scope& scope, const Node& node, Value& out) {
    constexpr std::string_view kForm = "a path such as \"/up\"";
    if (!read_string(scope, node, kForm, out)) return false;
    bool is_sendable = std::all_of(out.begin(), out.end(), [](char c) {
      return static_cast<unsigned char>(c) > 0x20 && static_cast<unsigned char>(c) < 0x7f &&
             c != '#';
    });
    if (out.starts_with('/') && is_sendable) return true;
    return scope.expected(node, kForm, out.starts_with('/') ? "" : in_quotes("/" + out));
  }
  static std::string show(const Value& value) { return in_quotes(value); }
};

bool is_status(std::string_view text) {
  return text.size() == 3 && text >= "100" && text <= "599" && is_digits(text);
}

bool is_status_range(std::string_view text) {
  std::string_view low = text.substr(0, text.find('-'));
  std::string_view high = low.size() == text.size() ? low : text.substr(low.size() + 1);
  return is_status(low) && is_status(high) && low <= high;
}

// "200", "200-399", "200-299,404".
struct StatusRanges {
  using Value = std::string;
  static bool read(Scope& scope, const Node& node, Value& out) {
    constexpr std::string_view kForm = "statuses such as \"200-399\" or \"200,204\"";
    if (node.kind == Node::Kind::kInteger)
      return scope.expected(node, kForm, in_quotes(std::to_string(node.integer)));
    if (!read_string(scope, node, kForm, out)) return false;
    std::erase(out, ' ');
    for (std::string_view rest = out;;) {
      std::size_t comma = rest.find(',');
      if (!is_status_range(rest.substr(0, comma))) return scope.expected(node, kForm);
      if (comma == std::string_view::npos) return true;
      rest.remove_prefix(comma + 1);
    }
  }
  static std::string show(const Value& value) { return in_quotes(value); }
};

struct BodyText {
  using Value = std::string;
  static bool read(Scope& scope, const Node& node, Value& out) {
    if (!read_string(scope, node, "a text that the answer's body holds", out)) return false;
    if (out.size() <= kMaxTextBytes) return true;
    return scope.expected(node, "a text of at most 1024 bytes");
  }
  static std::string show(const Value& value) { return in_quotes(value); }
};

struct HealthDraft {
  HealthConfig check;
  bool is_tcp = false;
};

template <auto member, typename Codec>
constexpr Key<HealthDraft> row(std::string_view name) {
  return {name,
          {},
          [](Scope& scope, const Key<HealthDraft>&, const Node& node, HealthDraft& draft) {
            Codec::read(scope, node, draft.check.*member);
          },
          [](const std::string& prefix, const Key<HealthDraft>& key, const HealthDraft& draft,
             std::vector<Shown>& out) {
            out.push_back(
                {prefix + std::string(key.name), Codec::show(draft.check.*member), Use::kSetting});
          }};
}

constexpr Key<HealthDraft> kHealthKeys[] = {
    row<&HealthConfig::path, CheckPath>("path"),
    key<&HealthDraft::is_tcp, Flag>("tcp"),
    row<&HealthConfig::interval, Timer>("interval"),
    row<&HealthConfig::timeout, Timer>("timeout"),
    row<&HealthConfig::rise, Count<1, 1000>>("rise"),
    row<&HealthConfig::fall, Count<1, 1000>>("fall"),
    row<&HealthConfig::status, StatusRanges>("status"),
    row<&HealthConfig::host, HostHeader>("host"),
    row<&HealthConfig::body, BodyText>("body"),
};

bool check_tcp(Scope& scope, const Node& node) {
  for (const char* name : {"path", "status", "host", "body"})
    if (const Node* found = node.find(name))
      return scope.wrong(*found,
                         std::string(name) + " beside tcp = true (a TCP check only connects)");
  return true;
}

}  // namespace

bool Health::read(Scope& scope, const Node& node, Value& out) {
  if (node.kind == Node::Kind::kBoolean && !node.boolean) {
    out = nullptr;
    return true;
  }
  if (!node.is_table()) return scope.expected(node, kForms);
  HealthDraft draft;
  read_nested<HealthDraft>(scope, node, kHealthKeys, draft);
  if (draft.is_tcp) {
    if (!check_tcp(scope, node)) return false;
    draft.check.kind = HealthKind::kTcp;
  } else if (node.find("path") == nullptr) {
    return scope.expected(node, kForms);
  }
  out = std::make_shared<const HealthConfig>(std::move(draft.check));
  return true;
}

std::string Health::show(const Value& value) {
  if (value == nullptr) return "false";
  bool is_tcp = value->kind == HealthKind::kTcp;
  std::string out = is_tcp ? "{ tcp = true" : "{ path = " + in_quotes(value->path);
  out += ", interval = " + Timer::show(value->interval);
  out += ", timeout = " + Timer::show(value->timeout);
  out += ", rise = " + std::to_string(value->rise) + ", fall = " + std::to_string(value->fall);
  if (!is_tcp) out += ", status = " + in_quotes(value->status);
  if (!value->host.empty()) out += ", host = " + in_quotes(value->host);
  if (!value->body.empty()) out += ", body = " + in_quotes(value->body);
  return out + " }";
}

}  // namespace weir::config
