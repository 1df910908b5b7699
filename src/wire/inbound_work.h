#pragma once
// What an InboundConnection needs only while bytes of a request are there or one is under way, so
// that an idle connection stays small.
#include "weir/base/recycled.h"
#include "weir/http/body.h"
#include "weir/wire/inbound.h"
#include "weir/wire/write_watch.h"

namespace weir::wire {

inline constexpr std::size_t kMaxPipelinedBytes = 16 * 1024;

struct InboundConnection::Work : Recycled<InboundConnection::Work> {
  explicit Work(InboundConnection* connection)
      : write_timer(net::Timer::bind<&InboundConnection::on_write_timer>(connection)) {}

  Buffer kept;  // a partial head, a pipelined request, or a tunnel's early bytes
  http::HeadProgress progress;
  std::string_view refused;  // see refused_bytes()
  http::BodyDecoder body;
  net::Timer write_timer;
  WriteWatch write_watch;
  std::uint64_t fin_acknowledged = 0;  // when the client_fin timer began, while bytes wait
  // Of the present request and its answer.
  http::BodyKind answer_kind = http::BodyKind::kNone;
  std::uint64_t answer_left = 0;  // of kLength
  int minor_version = 1;
  bool is_head_request = false;
  bool wants_keep_alive = false;
  bool expects_continue = false;  // and was not told to go on yet
};

}  // namespace weir::wire
