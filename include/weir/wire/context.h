#pragma once
// What all connections of one loop share: the scheduler, the heads that parsing fills, the buffer
// in which answers are composed, spare buffers, and the Date of this second. One per loop; outlives
// its connections. Heads and the output buffer are used within one event only.
#include <array>
#include <string_view>
#include <vector>

#include "weir/base/buffer.h"
#include "weir/base/time.h"
#include "weir/http/message.h"
#include "weir/net/scheduler.h"

namespace weir::wire {

class Context {
 public:
  explicit Context(net::Scheduler& scheduler) : scheduler_(scheduler) {}
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  net::Scheduler& scheduler() { return scheduler_; }
  http::RequestHead request_head;
  http::ResponseHead response_head;
  Buffer out;

  // An empty buffer with its old memory, and its way back. At most kMaxSpare are kept.
  Buffer take_buffer();
  void give_back(Buffer buffer);
  // The Date field's value for now, made anew once a second.
  std::string_view date();

 private:
  static constexpr std::size_t kMaxSpareBuffers = 64;
  static constexpr std::size_t kMaxSpareBytes = 64 * 1024;
  net::Scheduler& scheduler_;
  std::vector<Buffer> spare_;
  TimePoint date_until_{};
  std::array<char, 29> date_{};
};

}  // namespace weir::wire
