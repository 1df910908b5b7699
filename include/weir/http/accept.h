#pragma once
// What a client wants to read (RFC 9110 §12.5.1), asked only where weir answers by itself: in which
// of three forms. Pure; made when a request has failed, never on the way of one that succeeds.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "weir/base/form.h"
#include "weir/http/fields.h"

namespace weir::http {

std::string_view content_type_of(Form form);

class Acceptance {
 public:
  // Nothing was asked yet, which is another thing than a client without Accept.
  bool is_known() const { return is_known_; }
  // The Accept fields of a head; several are one list.
  void ask(const Fields& fields);
  // The same of the bytes of a head, as far as they came: whole lines up to the empty one.
  void ask(std::string_view head);

  // How much the client wants that form; 0: not at all. The weight counts first; at equal weights a
  // type that was named more than one that a wildcard covers, then the one that was named earlier.
  // Without Accept, and before ask(), all are wanted alike.
  std::uint32_t rank(Form form) const {
    return is_choosy_ ? ranks_[static_cast<std::size_t>(form)] : 1;
  }

 private:
  void add(std::string_view list);
  void add_range(std::string_view range);

  std::array<std::uint32_t, kForms> ranks_{};
  std::array<std::uint8_t, kForms> precisions_{};  // of the range that each rank is from
  std::uint8_t ranges_ = 0;                        // so far; the last of them share a place
  bool is_known_ = false;
  bool is_choosy_ = false;  // there was an Accept with something in it
};

}  // namespace weir::http
