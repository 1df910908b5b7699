#include "weir/wire/context.h"

#include "weir/http/forward.h"

namespace weir::wire {

Buffer Context::take_buffer() {
  if (spare_.empty()) return {};
  Buffer buffer = std::move(spare_.back());
  spare_.pop_back();
  return buffer;
}

void Context::give_back(Buffer buffer) {
  if (buffer.capacity() == 0 || buffer.capacity() > kMaxSpareBytes) return;
  if (spare_.size() >= kMaxSpareBuffers) return;
  buffer.clear();
  spare_.push_back(std::move(buffer));
}

std::string_view Context::date() {
  if (scheduler_.now() >= date_until_) {
    WallTime wall = scheduler_.clock().wall();
    http::format_http_date(wall, date_.data());
    auto into_second = wall.time_since_epoch() % std::chrono::seconds(1);
    date_until_ = scheduler_.now() + (std::chrono::seconds(1) - into_second);
  }
  return {date_.data(), date_.size()};
}

}  // namespace weir::wire
