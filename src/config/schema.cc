#include "schema.h"

#include "sections.h"

namespace weir::config {
namespace {

template <typename T, std::size_t count>
void add(SchemaSection& section, const Key<T> (&keys)[count], const T& defaults = {}) {
  show_keys<T>("", keys, defaults, section.keys);
}

template <typename... Keys>
SchemaSection section(std::string_view name, std::string_view title, const Keys&... keys) {
  SchemaSection out{name, title, {}};
  (add(out, keys), ...);
  return out;
}

std::vector<SchemaSection> all_sections() {
  SchemaSection admin{"admin", "[admin]", {}};
  add(admin, kAdminKeys, AdminConfig{default_admin_bind(), {}, {}, {}});
  return {section("server", "[server]", kServerKeys),
          section("listener", "[listener.NAME]", kListenerKeys),
          std::move(admin),
          section("metrics", "[metrics]", kMetricsKeys),
          section("routes", "[routes]", kRoutesKeys),
          section("timeouts", "[timeouts]", kClientTimeoutKeys, kPoolTimeoutKeys),
          section("limits", "[limits]", kLimitKeys, kPoolLimitKeys),
          section("log", "[log]", kLogKeys),
          section("pages", "[pages]"),
          section("dns", "[dns]", kDnsKeys),
          section("tracing", "[tracing]", kTracingKeys),
          section("pool_defaults", "[pool_defaults]", kPoolKeys),
          section("pool", "[pool.NAME]", kPoolKeys),
          section("route", "[[route]]", kRouteKeys)};
}

}  // namespace

const std::vector<SchemaSection>& schema() {
  static const std::vector<SchemaSection> sections = all_sections();
  return sections;
}

}  // namespace weir::config
