#pragma once
// One load from the first file to a Loaded: weir.toml's sections, then its pools and routes, then
// the route files, then what can only be checked with everything at hand. Lives for one load.
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "keys.h"
#include "read_file.h"
#include "report.h"
#include "sections.h"
#include "weir/config/load.h"

namespace weir::config {

class Loader {
 public:
  enum class Text : std::uint8_t { kFile, kOneLine };
  // `name` is the path of the main file, for places and relative paths. kOneLine: a line that was
  // mended for a message; it is not mended once more.
  explicit Loader(std::string name, Text text = Text::kFile, LastGoodFiles* last_good = nullptr)
      : main_file_(std::move(name)), text_(text), last_good_(last_good) {}
  void read_main(std::string_view text);
  void fail_main(const std::string& why);
  // What only a look at the machine shows; after read_main().
  void check_machine();
  Loaded finish();

 private:
  // load.cc: weir.toml
  template <typename... T>
  void read_section(const Node& root, std::string_view name, const Part<T>&... parts);
  void read_sections(const Node& root);
  void read_listeners(const Node& root);
  void read_listener(const Member& member);
  void read_pool_base(const Node& root);
  void note_defaults();
  void check_top_level(const Node& root);
  void check_unknown_section(const Member& member, const std::string& outer);
  // entries.cc: what route files may hold too
  void read_entries(const Node& root, const std::string& file);
  void read_pool(const Member& member, const std::string& file);
  // False, and said: there is a pool of that name already.
  bool note_pool(const std::string& name, const Place& place);
  void read_route(const Node& node, const std::string& file);
  void check_route(Scope& scope, const Node& node, const RouteDraft& draft);
  // route_files.cc
  void read_route_files(const Node* patterns);
  void read_route_file(const std::string& path, const Place& pattern, const FileMark& mark);
  // The file has not changed since it was read, so its entries are what they were.
  bool keep_route_file(const std::string& path, const FileMark& mark);
  void keep_entries(const ReadFile& file, const std::string& path);
  // The file's entries as they were before it could not be read. False: it never could.
  bool read_last_good(const std::string& path);
  void check_route_file(const Node& root, const std::string& path);
  bool parse_file(const std::string& text, const std::string& file, Node& out);
  void check_action(Scope& scope, const Node& node, const RouteDraft& draft);
  void warn_of_host(const Scope& scope, const Node& node);
  // pages.cc
  void read_pages(const Node& root);
  void read_page_table(const Node& table, const std::string& host);
  void read_page_files(Scope& scope, const Node& node, PageEntry& entry);
  void read_page_file(Scope& scope, const Node& node, PageEntry& entry);
  std::shared_ptr<const std::string> load_page(Scope& scope, const Node& node,
                                               const std::string& path);
  void warn_of_placeholders(const std::string& path, std::string_view text);
  // checks.cc: across sections and files
  void check_all();
  void check_limits(const Node* at);
  void check_listeners();
  void check_pools_of_routes();
  std::string meant_pool(const std::string& pool) const;
  // access.cc: the admin interface's
  void read_tokens(const Node* token_file);
  void check_admin_binds();

  void add_dump(const std::string& section, const std::vector<Shown>& shown,
                const Origins& origins);

  std::string main_file_;
  Text text_;
  LastGoodFiles* last_good_;  // may be null
  std::uint64_t defaults_ = 0;  // of what pools begin as
  Report report_;
  Config config_;
  std::vector<DumpLine> dump_;
  std::vector<std::string> files_;
  std::vector<std::string> globs_;
  std::vector<Diagnostic> warnings_;
  Place access_log_place_;
  std::vector<Place> admin_bind_places_;
  std::vector<Place> metrics_bind_places_;
  std::vector<std::vector<Place>> listener_bind_places_;
  PoolConfig pool_base_;  // what every pool begins as
  Origins pool_base_origins_;
  std::map<std::string, Place> pool_places_;  // also of pools with errors
  bool dumps_entries() const { return last_good_ == nullptr; }
  std::vector<Place> route_pool_places_;      // of each route's pool key
  std::map<std::string, std::shared_ptr<const std::string>> page_texts_;  // by path
  bool has_unread_file_ = false;
  bool has_unread_pool_ = false;  // a section that should be a pool's, or a listener's
  bool has_unread_listener_ = false;
};

// Whether `node` can be the section; reports when not.
bool is_section(Report& report, const std::string& file, const Node& node, std::string_view name);
// "backend.web" of [backend.web], "server" of [server].
std::string dotted_name(const Member& section);
// What is wrong with one line of a section, when it stands there alone: "" = nothing.
std::string problem_of_line(const std::string& title, const std::string& line);
// Whether `member` can be one of a section's named tables ([pool.NAME]); reports when not, and when
// its name is none.
bool is_named_table(Report& report, const std::string& file, const Member& member,
                    std::string_view section);

}  // namespace weir::config
