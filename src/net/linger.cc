// How a stream ends without its owner: flush what is queued, send the end, discard what comes until
// the peer's end. Without the last step, unread input would turn our close into a reset that eats
// the answer on its way (RFC 9112 §9.6). A peer that just goes on sending gets the reset.
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "src/net/loop_impl.h"

namespace weir::net {
namespace {

constexpr Duration kLinger = std::chrono::seconds(1);
constexpr std::size_t kMaxDiscarded = 256 * 1024;
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
  if (!queue_.is_empty()) linger_->acknowledged = acknowledged_bytes().value_or(0);
  loop_.scheduler.arm(linger_->timer, queue_.is_empty() ? kLinger : kFlushStall);
  sync();
}

// What is still queued would be missing behind an orderly end: the client shall see that (R24).
void Linger::on_deadline() {
  if (node.is_taking_the_rest()) return;
  if (node.queue_.is_empty())
    node.close();
  else
    node.reset();
}

void StreamNode::on_linger_ready() {
  bool was_flushing = !queue_.is_empty();
  if (is_write_due()) flush_lingering();
  bool is_reading = is_read_due();
  if (is_reading) discard_input();
  if (is_broken_ || (queue_.is_empty() && has_read_end_)) return close();
  if (is_reading && linger_->discarded == kMaxDiscarded) {
    if (!was_flushing) return close();
    // The rest of the answer still goes out, and has until the deadline to arrive.
    pause_reasons_ = static_cast<std::uint8_t>(PauseReason::kPeerFull);
  }
  sync();
}

// The kernel has room for more only when a good part of what it holds was taken; a slow peer's
// acknowledgements say earlier that it goes on.
bool StreamNode::is_taking_the_rest() {
  if (queue_.is_empty() || loop_.scheduler.now() >= linger_->flush_until) return false;
  std::uint64_t before = linger_->acknowledged;
  linger_->acknowledged = acknowledged_bytes().value_or(0);
  if (linger_->acknowledged <= before) return false;
  loop_.scheduler.arm(linger_->timer, kFlushStall);
  return true;
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
  std::size_t budget = std::min(Loop::Impl::kReadBufferBytes, kMaxDiscarded - linger_->discarded);
  ssize_t count = receive(budget);
  if (count > 0) linger_->discarded += static_cast<std::size_t>(count);
  if (count == 0) has_read_end_ = true;
  if (is_drained(count, budget) || (count < 0 && errno == EAGAIN)) can_read_ = false;
  if (count < 0 && errno != EAGAIN && errno != EINTR) is_broken_ = true;
}

}  // namespace weir::net
