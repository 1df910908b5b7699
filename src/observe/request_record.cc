#include "weir/observe/request_record.h"

namespace weir::observe {

std::string_view name_of(Phase phase) {
  switch (phase) {
    case Phase::kHead:
      return "head";
    case Phase::kRouting:
      return "routing";
    case Phase::kHold:
      return "hold";
    case Phase::kConnect:
      return "connect";
    case Phase::kRequest:
      return "request";
    case Phase::kResponse:
      return "response";
    case Phase::kTunnel:
      return "tunnel";
    case Phase::kDone:
      return "done";
  }
  return "?";
}

}  // namespace weir::observe
