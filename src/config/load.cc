#include "weir/config/load.h"

#include <algorithm>
#include <utility>

#include "addresses.h"
#include "files.h"
#include "loader.h"
#include "schema.h"
#include "suggest.h"
#include "values.h"

namespace weir::config {
namespace {

// The places of a list's items, to point at the one of several that is wrong.
std::vector<Place> item_places(const std::string& file, const Node* list) {
  std::vector<Place> places;
  if (list == nullptr) return places;
  for (const Node& item : list->items) places.push_back({file, item.line, item.column});
  return places;
}

const Node* find_in(const Node& root, std::string_view section, std::string_view key) {
  const Node* table = root.find(section);
  return table == nullptr ? nullptr : table->find(key);
}

// Origins of a section as a pool sees them: "timeouts.connect" from "timeouts (weir.toml:12)".
void inherit(const Origins& from, const std::string& layer, const std::string& prefix,
             Origins& to) {
  for (const auto& [key, place] : from) {
    std::string& origin = to[prefix + key];
    origin = layer;
    origin.append(" (").append(place).append(")");
  }
}

std::string title_of(std::string_view section) {
  for (const SchemaSection& row : schema()) {
    if (row.name == section) return std::string(row.title);
  }
  return {};
}

}  // namespace

bool is_section(Report& report, const std::string& file, const Node& node, std::string_view name) {
  if (node.is_table()) return true;
  std::string expected = title_of(name);
  if (name == "pool" || name == "listener") {
    const Node* own_name = node.kind == Node::Kind::kList && !node.items.empty()
                               ? node.items[0].find("name")
                               : nullptr;
    if (own_name != nullptr && is_name(own_name->text))
      expected = "[" + std::string(name) + "." + own_name->text + "]";
  }
  std::string what = node.is_list_of_tables() ? "in double brackets, [[" + std::string(name) + "]]"
                                              : node.description();
  std::string message = std::string(name) + " is " + what + " (expected a section: " + expected;
  bool is_route = name == "routes" && node.is_list_of_tables() &&
                  (node.items[0].find("pool") != nullptr || node.items[0].find("host") != nullptr);
  if (is_route) message += "; did you mean [[route]]?";
  report.add({file, node.line, node.column}, message + ")");
  return false;
}

bool is_named_table(Report& report, const std::string& file, const Member& member,
                    std::string_view section) {
  Place place{file, member.line, member.column};
  std::string kind(section);
  if (member.value.is_list_of_tables()) {
    report.add(place, kind + "." + member.key + " is in double brackets (expected [" + kind + "." +
                          member.key + "])");
    return false;
  }
  if (!member.value.is_table()) {
    report.add(place, "[" + kind + "] has no name (expected a section: " + title_of(section) +
                          ", such as [" + kind + (kind == "pool" ? ".web" : ".public") + "])");
    return false;
  }
  if (is_name(member.key)) return true;
  report.add(place, "the name " + in_quotes(member.key) +
                        " (expected letters, digits, \".\", \"_\" and \"-\", beginning with a "
                        "letter or digit)");
  return true;
}

std::string dotted_name(const Member& section) {
  const Node& value = section.value;
  if (!value.is_table() || value.members.empty() || !value.members[0].value.is_table())
    return section.key;
  return section.key + "." + value.members[0].key;
}

template <typename... T>
void Loader::read_section(const Node& root, std::string_view name, const Part<T>&... parts) {
  Origins origins;
  std::string section(name);
  Scope scope{report_, main_file_, "[" + section + "]", &origins, {}, {}};
  const Node* node = root.find(name);
  if (node != nullptr && is_section(report_, main_file_, *node, name)) {
    read_table(scope, *node, parts...);
  }
  std::vector<Shown> shown;
  (show_keys<T>("", parts.keys, parts.object, shown), ...);
  add_dump(section, shown, origins);
  if (section == "timeouts") inherit(origins, section, "timeouts.", pool_base_origins_);
  if (section == "limits") inherit(origins, section, "limits.", pool_base_origins_);
}

void Loader::read_sections(const Node& root) {
  Nothing nothing;
  config_.admin.bind = default_admin_bind();
  read_section(root, "server", Part{kServerKeys, config_.server});
  read_listeners(root);
  read_section(root, "admin", Part{kAdminKeys, config_.admin});
  read_section(root, "metrics", Part{kMetricsKeys, config_.metrics});
  read_section(root, "routes", Part{kRoutesKeys, config_.routes});
  read_section(root, "timeouts", Part{kClientTimeoutKeys, config_.timeouts},
               Part{kPoolTimeoutKeys, pool_base_.timeouts});
  read_section(root, "limits", Part{kLimitKeys, config_.limits}, Part{kPoolLimitKeys, pool_base_});
  read_section(root, "log", Part{kLogKeys, config_.log});
  read_pages(root);
  read_section(root, "dns", Part{kDnsKeys, nothing});
  read_section(root, "tracing", Part{kTracingKeys, nothing});
  read_pool_base(root);
  note_defaults();
}

void Loader::read_listeners(const Node& root) {
  const Node* section = root.find("listener");
  if (section == nullptr) return;
  if (!is_section(report_, main_file_, *section, "listener")) {
    has_unread_listener_ = true;
    return;
  }
  bool has_said_nameless = false;
  for (const Member& member : section->members) {
    bool is_key = !member.value.is_table() && !member.value.is_list_of_tables();
    if (is_key && std::exchange(has_said_nameless, true)) continue;
    if (is_named_table(report_, main_file_, member, "listener")) {
      read_listener(member);
    } else {
      has_unread_listener_ = true;
    }
  }
}

void Loader::read_listener(const Member& member) {
  Origins origins;
  std::string title = "listener." + member.key;
  Scope scope{report_, main_file_, "[" + title + "]", &origins, {}, {}};
  ListenerConfig listener;
  listener.name = member.key;
  listener.place = scope.place(member.line, member.column);
  read_table(scope, member.value, Part{kListenerKeys, listener});
  const Node* bind = member.value.find("bind");
  if (bind == nullptr && !is_meant(member.value, "bind", kListenerKeys)) {
    report_.add(listener.place, "[" + title + "] without bind (expected bind = [\":8080\"])");
  }
  std::vector<Shown> shown;
  show_keys<ListenerConfig>("", kListenerKeys, listener, shown);
  add_dump(title, shown, origins);
  listener_bind_places_.push_back(item_places(main_file_, bind));
  config_.listeners.push_back(std::move(listener));
}

void Loader::read_pool_base(const Node& root) {
  const Node* section = root.find("pool_defaults");
  if (section == nullptr || !is_section(report_, main_file_, *section, "pool_defaults")) return;
  Origins origins;
  Scope scope{report_, main_file_, "[pool_defaults]", &origins, {}, {}};
  read_table(scope, *section, Part{kPoolKeys, pool_base_});
  inherit(origins, "pool_defaults", "", pool_base_origins_);
}

// Pools that were read before are the same as long as these are.
void Loader::note_defaults() {
  std::vector<Shown> shown;
  show_keys<PoolConfig>("", kPoolKeys, pool_base_, shown);
  std::string all;
  for (const Shown& line : shown) all.append(line.key).append("=").append(line.value).append("\n");
  defaults_ = std::hash<std::string>()(all);
}

void Loader::check_top_level(const Node& root) {
  std::vector<std::string_view> legal;
  for (const SchemaSection& section : schema()) legal.push_back(section.name);
  for (const Member& member : root.members) {
    if (std::find(legal.begin(), legal.end(), member.key) != legal.end()) continue;
    Scope scope{report_, main_file_, "the top level", nullptr, {}, {}};
    bool is_setting = !member.value.is_table() && !member.value.is_list_of_tables();
    if (is_setting) {
      report_unknown_key(scope, member, {});
      continue;
    }
    check_unknown_section(member, "");
  }
}

// Traefik's [http.routers.…] and the like are looked at by their inner name.
void Loader::check_unknown_section(const Member& member, const std::string& outer) {
  std::string_view word = member.key;
  bool is_wrapper = outer.empty() && (word == "http" || word == "tcp" || word == "stream");
  if (is_wrapper && member.value.is_table() && !member.value.members.empty() &&
      member.value.members[0].value.is_table()) {
    for (const Member& inner : member.value.members) check_unknown_section(inner, member.key + ".");
    return;
  }
  std::string message = "unknown section [" + outer + member.key + "]";
  std::string_view advice = advice_for(word);
  std::string meant = meant_title(dotted_name(member));
  if (!advice.empty()) {
    message.append(" (").append(advice).append(")");
  } else if (!meant.empty()) {
    message.append(" (did you mean ").append(meant).append("?)");
  }
  has_unread_listener_ = has_unread_listener_ || meant.starts_with("[listener");
  has_unread_pool_ = has_unread_pool_ || meant.starts_with("[pool.");
  report_.add({main_file_, member.line, member.column}, message);
}

void Loader::read_main(std::string_view text) {
  report_.begin_file(main_file_);
  files_.push_back(main_file_);
  Node root;
  if (!parse_file(std::string(text), main_file_, root)) return;
  check_top_level(root);
  read_sections(root);
  read_entries(root, main_file_);
  if (const Node* access = find_in(root, "log", "access"))
    access_log_place_ = {main_file_, access->line, access->column};
  admin_bind_places_ = item_places(main_file_, find_in(root, "admin", "bind"));
  metrics_bind_places_ = item_places(main_file_, find_in(root, "metrics", "bind"));
  read_tokens(find_in(root, "admin", "token_file"));
  read_route_files(find_in(root, "routes", "files"));
  const Node* head_bytes = find_in(root, "limits", "head_bytes");
  check_limits(head_bytes != nullptr ? head_bytes : find_in(root, "limits", "request_line_bytes"));
  check_all();
}

void Loader::fail_main(const std::string& why) {
  report_.begin_file(main_file_);
  files_.push_back(main_file_);
  report_.add({main_file_, 0, 0}, why);
}

void Loader::add_dump(const std::string& section, const std::vector<Shown>& shown,
                      const Origins& origins) {
  for (const Shown& line : shown) {
    auto origin = origins.find(line.key);
    bool is_set = origin != origins.end();
    bool is_effective = line.use == Use::kSetting || (line.use == Use::kExample && is_set);
    if (!is_effective) continue;
    dump_.push_back({section, line.key, line.value, is_set ? origin->second : "default"});
  }
}

Loaded Loader::finish() {
  Loaded loaded;
  config_.main_file = main_file_;
  config_.has_unread_pools = has_unread_pool_ || has_unread_file_;
  config_.map_pool = pool_base_;
  loaded.files = std::move(files_);
  loaded.globs = std::move(globs_);
  loaded.warnings = std::move(warnings_);
  if (!report_.has_errors_of_everything()) {
    loaded.config = std::move(config_);
    loaded.dump = std::move(dump_);
    loaded.quarantined = report_.take_sorted();
  } else {
    loaded.errors = report_.take_sorted();
    loaded.draft = std::move(config_);
  }
  make_printable(loaded.errors);
  make_printable(loaded.warnings);
  return loaded;
}

Loaded load_text(std::string_view text, const std::string& name) {
  Loader loader(name);
  loader.read_main(text);
  return loader.finish();
}

std::string problem_of_line(const std::string& title, const std::string& line) {
  Loader loader("line", Loader::Text::kOneLine);
  loader.read_main(title + "\n" + line + "\n");
  Loaded loaded = loader.finish();
  loaded.errors.insert(loaded.errors.end(), loaded.quarantined.begin(), loaded.quarantined.end());
  for (const Diagnostic& error : loaded.errors) {
    bool is_of_others =
        error.message.starts_with("unknown pool") || error.message.starts_with("files: ");
    if (error.place.line == 2 && !is_of_others) return error.message;
  }
  return {};
}

Loaded load_file(const std::string& path, LastGoodFiles* last_good) {
  Loader loader(path, Loader::Text::kFile, last_good);
  Result<std::string> text = read_file(path);
  if (text.ok()) {
    loader.read_main(*text);
    loader.check_machine();
  } else {
    loader.fail_main(text.error().message);
  }
  return loader.finish();
}

}  // namespace weir::config
