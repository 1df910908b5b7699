// How a stream ends without its owner: flush what is queued, send the end, discard what comes until
// the peer's end. Without the last step, unread input would turn our close into a reset that eats
// the answer on its way (RFC 9112 §9.6).
#include <sys/socket.h>

#include <cerrno>

#include "src/net/loop_impl.h"

namespace weir::net {
namespace {

constexpr Duration kLinger = std::chrono::seconds(2);
// A slow peer gets the rest of its answer as long as it goes on taking it.
constexpr Duration kFlushStall = std::chrono::seconds(10);
constexpr Duration kMaxFlush = std::chrono::seconds(60);

}  // namespace

void Stream::reset(std::unique_ptr<Stream> stream) {
  if (stream != nullptr) stream->do_reset();
}

void Stream::finish(std::unique_ptr<Stream> stream) {
  if (stream != nullptr) stream->do_finish();
}

void StreamNode::reset() {
  linger at_once{1, 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close();
}

void StreamNode::finish() {
  bool is_over = queue_.is_empty() && has_read_end_;
  if (is_over || is_broken_ || loop_.lingering_count >= Loop::Impl::kMaxLingering) return close();
  end_writing();
  phase_ = Phase::kLingering;
  pause_reasons_ = 0;
  linger_ = new Linger(*this);
  ++loop_.lingering_count;
  loop_.lingering.push_back(*linger_);
  linger_->flush_until = loop_.scheduler.now() + kMaxFlush;
  loop_.scheduler.arm(linger_->timer, queue_.is_empty() ? kLinger : kFlushStall);
  sync();
}

void Linger::on_deadline() { node.close(); }

void StreamNode::on_linger_ready() {
  if (!queue_.is_empty()) flush_lingering();
  if (!has_read_end_) discard_input();
  if (is_broken_ || (queue_.is_empty() && has_read_end_)) return close();
  if (wanted_events() != static_cast<int>(armed_)) arm(wanted_events());
}

void StreamNode::flush_lingering() {
  std::size_t taken = flush();
  if (queue_.is_empty()) {
    loop_.scheduler.arm(linger_->timer, kLinger);
  } else if (taken > 0 && loop_.scheduler.now() < linger_->flush_until) {
    loop_.scheduler.arm(linger_->timer, kFlushStall);
  }
}

void StreamNode::discard_input() {
  ssize_t count = ::recv(fd_, loop_.read_buffer.get(), Loop::Impl::kReadBufferBytes, 0);
  if (count == 0) has_read_end_ = true;
  if (count < 0 && errno != EAGAIN && errno != EINTR) is_broken_ = true;
}

}  // namespace weir::net
