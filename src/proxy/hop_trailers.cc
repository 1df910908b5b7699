#include "hop_trailers.h"

namespace weir::proxy {
namespace {

bool is_named(std::string_view name, std::string_view list) {
  std::string_view member;
  while (http::next_list_member(list, member))
    if (http::equals_ignoring_case(name, member)) return true;
  return false;
}

}  // namespace

std::string connection_list(const http::Fields& fields) {
  std::string list;
  for (const http::Field& field : fields)
    if (field.id == http::FieldId::kConnection) list.append(field.value).append(",");
  return list;
}

const http::Fields& without_named(const http::Fields& trailers, std::string_view list,
                                  http::Fields& kept) {
  if (list.empty()) return trailers;
  for (const http::Field& field : trailers)
    if (!is_named(field.name, list)) kept.add(field);
  return kept;
}

}  // namespace weir::proxy
