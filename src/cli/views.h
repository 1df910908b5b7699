#pragma once
// What the admin interface's JSON looks like to people. Pure; each text ends in a newline.
#include <string>

#include "json.h"
#include "text_table.h"
#include "weir/cli/snapshot.h"

namespace weir::cli {

std::string status_text(const Json& status, bool has_colours);
// /api/pools: a line a pool. /api/pools/NAME: a line a backend, and its last check.
std::string pools_text(const Json& pools, bool has_colours);
std::string pool_text(const Json& pool, bool has_colours);
std::string explain_text(const Json& explanation, bool has_colours);
void add_route_heading(TextTable& table);
void add_route(TextTable& table, const RouteRow& route);
// As in GET /api/routes.
Json route_json(const RouteRow& route);

// "3 requests", "1 request"
std::string counted(std::uint64_t count, std::string_view noun);
// "2d 3h", "4m 5s", "0s"
std::string span_text(double seconds);

}  // namespace weir::cli
