#pragma once
// Why a request goes where it goes: the walk of the route table and the choice of candidates, by the
// code that routes, put into words. In two parts, since one belongs to the builder's thread and the
// other to the owner of the backends' states.
#include "weir/admin/admin_source.h"
#include "weir/admin/explain_view.h"
#include "weir/table/build.h"

namespace weir::server {

// The request as it is understood, its route, and where that stands. The builder's thread. The
// error: the query is none.
Result<admin::ExplainView, admin::Refusal> explain_route(const table::Tables& tables,
                                                         const table::Builder& builder,
                                                         const admin::ExplainQuery& query);

// Adds the winner's pool, as workers choose from it. `states`: what is known of its backends; null:
// nothing, since nobody serves it.
void explain_pool(const table::Tables& tables, const backend::BackendStates* states,
                  admin::ExplainView& view);

}  // namespace weir::server
