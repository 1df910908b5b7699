#pragma once
// The text of failure pages: weir's own, and what stands for each placeholder. Pure.
#include <string>
#include <string_view>

#include "weir/base/failure.h"
#include "weir/base/form.h"

namespace weir::proxy {

// weir's own page: self-contained, the same for every failure but for its placeholders.
std::string_view builtin_page(Form form);

// Appends `page` with its placeholders (config::kPlaceholders) filled in, escaped as the form wants
// it.
void append_page(std::string& out, std::string_view page, Form form, Failure failure,
                 std::string_view request_id);

}  // namespace weir::proxy
