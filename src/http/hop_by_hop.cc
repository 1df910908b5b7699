#include "hop_by_hop.h"

#include "known_name.h"

namespace weir::http {

NamedFields::NamedFields(const Fields& fields) {
  for (const Field& field : fields) {
    if (field.id != FieldId::kConnection || kKeepAliveOption.matches(field.value)) continue;
    std::string_view list = field.value;
    std::string_view name;
    while (next_list_member(list, name)) {
      // The usual ones name no field that is not removed anyway.
      if (kKeepAliveOption.matches(name) || equals_ignoring_case(name, "upgrade")) continue;
      if (count_ < names_.size()) names_[count_++] = {name.data(), name.size()};
    }
  }
}

bool NamedFields::contains(std::string_view name) const {
  for (std::size_t i = 0; i < count_; ++i)
    if (equals_ignoring_case({names_[i].data, names_[i].size}, name)) return true;
  return false;
}

}  // namespace weir::http
