#pragma once
// The table that a weir serves, page by page, as rows.
#include <string>

#include "session.h"
#include "weir/cli/snapshot.h"

namespace weir::cli {

// Adds the routes that `parameters` ("&glob=…", "&host=…") choose, all of one generation: a table
// that changes meanwhile is read anew, a few times.
Result<Ok, Problem> read_routes(Session& session, const std::string& parameters, Snapshot& table);

// What /api/status says of it: generation, hash, quarantine.
Result<Ok, Problem> read_head(Session& session, Snapshot& table);
// The same with all routes and pools, of one generation.
Result<Ok, Problem> read_table(Session& session, Snapshot& table);

}  // namespace weir::cli
