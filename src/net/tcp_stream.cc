// The open stream: reading, writing, watching. How it ends is in linger.cc, how it begins in
// connector.cc and listener.cc.
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <new>

#include "src/net/loop_impl.h"
#include "src/net/tcp_info.h"

namespace weir::net {
namespace {

StreamError error_of(int number) {
  switch (number) {
    case EPIPE:
    case ECONNRESET:
      return StreamError::kReset;
    case ETIMEDOUT:
      return StreamError::kTimedOut;
    default:
      return StreamError::kOther;
  }
}

constexpr std::uint32_t kReadEvents = EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLET;

bool is_transient(int number) { return number == EAGAIN || number == EINTR; }

// The two calls of every request go to the kernel directly: libc's are cancellation points, which
// costs a locked change of the thread's state before and after each.
ssize_t take(int fd, char* bytes, std::size_t size) {
  return ::syscall(SYS_recvfrom, fd, bytes, size, 0, nullptr, nullptr);
}
ssize_t transmit(int fd, std::string_view bytes) {
  return ::syscall(SYS_sendto, fd, bytes.data(), bytes.size(), MSG_NOSIGNAL, nullptr, 0);
}

}  // namespace

StreamNode* StreamNode::create(Loop::Impl& loop, int fd, Origin origin) {
  auto* node = new (loop.allocate_node()) StreamNode(loop, fd, origin);
  if (origin == Origin::kAccepted && loop.poller.add(fd, kReadEvents, *node) != 0) {
    ::close(fd);
    node->~StreamNode();
    loop.free_node(node);
    return nullptr;
  }
  ++loop.open_streams;
  return node;
}

StreamNode::StreamNode(Loop::Impl& loop, int fd, Origin origin)
    : loop_(loop),
      observer_(nullptr),
      fd_(fd),
      phase_(origin == Origin::kConnecting ? Phase::kConnecting : Phase::kOpen),
      did_connect_(origin == Origin::kConnecting) {}

bool StreamNode::await_connect(ConnectAttempt* attempt) {
  attempt_ = attempt;
  can_write_ = false;
  watches_write_ = true;
  return loop_.poller.add(fd_, kReadEvents | EPOLLOUT, *this) == 0;
}

void StreamNode::close() {
  if (phase_ == Phase::kLingering) {
    --loop_.lingering_count;
    delete linger_;
  }
  phase_ = Phase::kClosed;
  queue_.clear();
  --loop_.open_streams;
  ::close(fd_);
  loop_.poller.retire(*this);
}

void StreamNode::release() {
  Loop::Impl& loop = loop_;
  this->~StreamNode();
  loop.free_node(this);
}

std::unique_ptr<Stream> StreamNode::make_stream(bool is_unix) {
  phase_ = Phase::kOpen;
  is_unix_ = is_unix;
  // A Unix socket says so each time its peer has read something.
  if (is_unix && watches_write_) {
    watches_write_ = false;
    WEIR_CHECK(loop_.poller.change(fd_, kReadEvents, *this) == 0);
  }
  observer_ = nullptr;
  return std::unique_ptr<Stream>(::new (token_) TcpStream(*this));
}

void StreamNode::note_events(std::uint32_t events) {
  // What is the matter is for recv and send to say, after the bytes that came before it.
  constexpr std::uint32_t kEnds = EPOLLRDHUP | EPOLLHUP | EPOLLERR;
  if ((events & kEnds) != 0) has_end_ = true;
  if ((events & EPOLLERR) != 0) has_error_ = true;
  if ((events & EPOLLPRI) != 0) has_urgent_ = true;
  if ((events & (EPOLLIN | EPOLLPRI | kEnds)) != 0) can_read_ = true;
  if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) can_write_ = true;
}

void StreamNode::on_events(std::uint32_t /*events*/) {
  EventScope event(loop_);
  run();
}

void StreamNode::on_deferred() {
  EventScope event(loop_);
  run();
}

void StreamNode::run() {
  switch (phase_) {
    case Phase::kConnecting:
      if (can_write_) attempt_ready();
      return;
    case Phase::kOpen:
      return run_open();
    case Phase::kLingering:
      return on_linger_ready();
    case Phase::kClosed:
      return;
  }
}

// A callback is the last thing an event does, so one event is one of the two, in turns.
void StreamNode::run_open() {
  bool reads = is_read_due();
  bool writes = is_write_due();
  if (reads && writes) {
    reads_first_ = !reads_first_;
    (reads_first_ ? writes : reads) = false;
    loop_.poller.defer(*this);
  }
  if (writes) return on_writable();
  if (reads) return on_readable();
  if (is_break_due() || is_reset_due()) return fail(StreamError::kReset);
  if (is_end_waiting()) {
    told_end_ = true;
    observer_->on_end_waiting();
  }
}

bool StreamNode::wants_read() const {
  return !has_failed_ && !has_read_end_ && pause_reasons_ == 0 &&
         (observer_ != nullptr || phase_ == Phase::kLingering);
}

void StreamNode::sync() {
  if (!queue_.is_empty() && !watches_write_) {
    watches_write_ = true;
    // The kernel knows the descriptor: only its events change. It answers at once when they are
    // there already.
    WEIR_CHECK(loop_.poller.change(fd_, kReadEvents | EPOLLOUT, *this) == 0);
  }
  // An end that came with room to write would not be told by another event.
  if (is_read_due() || is_write_due() || is_break_due() || is_end_waiting())
    loop_.poller.defer(*this);
}

// A Unix socket's peer may pass descriptors, at which a read stops short though more is there. They
// are not taken (the kernel closes them), only noticed.
ssize_t StreamNode::receive(std::size_t budget) {
  char* bytes = loop_.read_buffer.get();
  if (!is_unix_) return take(fd_, bytes, budget);
  iovec part{bytes, budget};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  ssize_t count = ::recvmsg(fd_, &message, 0);
  met_descriptors_ = count > 0 && (message.msg_flags & MSG_CTRUNC) != 0;
  return count;
}

void StreamNode::on_readable() {
  std::size_t budget =
      std::clamp<std::size_t>(observer_->read_budget(), 1, Loop::Impl::kReadBufferBytes);
  ssize_t count = receive(budget);
  if (count == 0) return on_end();
  if (count < 0) {
    int number = errno;
    if (number == EAGAIN) can_read_ = false;
    if (!is_transient(number)) return fail(error_of(number));
    return sync();
  }
  // A read that was not filled took everything, unless there is an end to come to, or an urgent
  // byte or a descriptor, at which recv stops.
  if (is_drained(count, budget))
    can_read_ = false;
  else
    loop_.poller.defer(*this);
  observer_->on_read({loop_.read_buffer.get(), static_cast<std::size_t>(count)});
}

void StreamNode::on_end() {
  has_read_end_ = true;
  // The failed send took the reset out of the socket, so that recv sees a mere end.
  if (was_reset_) return fail(broken_by_);
  sync();
  observer_->on_read_end();
}

void StreamNode::fail(StreamError error) {
  is_broken_ = true;
  queue_.clear();
  if (observer_ == nullptr) return;  // the next one will hear it by reading
  has_failed_ = true;
  observer_->on_stream_error(error);
}

void StreamNode::on_writable() {
  std::size_t taken = flush();
  if (is_broken_) {
    // Reading says why and after which bytes; where it cannot, nobody else would tell the observer.
    char next = 0;
    if (!wants_read() || (::recv(fd_, &next, 1, MSG_PEEK) < 0 && errno == EAGAIN))
      return fail(broken_by_);
    return on_readable();
  }
  sync();
  if (taken > 0 && observer_ != nullptr) observer_->on_write_progress(queue_.size());
}

WriteResult StreamNode::write(std::span<const std::string_view> slices) {
  if (is_broken_ || is_ending_) return WriteResult::kBroken;
  bool is_direct = queue_.is_empty();
  std::size_t taken = is_direct ? send_slices(slices) : 0;
  if (is_broken_) return WriteResult::kBroken;
  for (std::string_view slice : slices) {
    std::size_t skipped = std::min(taken, slice.size());
    taken -= skipped;
    queue_.append(slice.substr(skipped));
  }
  if (queue_.is_empty()) return WriteResult::kOk;
  if (is_direct) can_write_ = false;
  sync();
  return queue_.size() >= kHighMarkBytes ? WriteResult::kAboveMark : WriteResult::kOk;
}

std::size_t StreamNode::send_slices(std::span<const std::string_view> slices) {
  if (slices.size() == 1) {
    if (slices[0].empty()) return 0;
    return note_sent(transmit(fd_, slices[0]));
  }
  constexpr std::size_t kMaxParts = 16;
  std::size_t taken = 0;
  while (!slices.empty()) {
    std::array<iovec, kMaxParts> parts;
    std::size_t count = std::min(slices.size(), kMaxParts);
    std::size_t offered = 0;
    for (std::size_t i = 0; i < count; ++i) {
      parts[i] = {const_cast<char*>(slices[i].data()), slices[i].size()};
      offered += slices[i].size();
    }
    slices = slices.subspan(count);
    if (offered == 0) continue;
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = count;
    std::size_t sent = note_sent(::sendmsg(fd_, &message, MSG_NOSIGNAL));
    taken += sent;
    if (sent < offered) break;
  }
  return taken;
}

std::size_t StreamNode::flush() {
  std::size_t taken = 0;
  while (!queue_.is_empty()) {
    std::array<std::string_view, 8> runs;
    std::size_t count = queue_.front(runs);
    std::size_t offered = 0;
    for (std::size_t i = 0; i < count; ++i) offered += runs[i].size();
    std::size_t sent = send_slices(std::span(runs).first(count));
    taken += sent;
    if (is_broken_) return taken;
    queue_.consume(sent);
    if (sent < offered) {
      can_write_ = false;
      return taken;
    }
  }
  if (is_ending_) ::shutdown(fd_, SHUT_WR);
  return taken;
}

std::size_t StreamNode::note_sent(ssize_t result) {
  if (result >= 0) {
    sent_bytes_ += static_cast<std::size_t>(result);
    return static_cast<std::size_t>(result);
  }
  int number = errno;
  if (is_transient(number)) return 0;
  is_broken_ = true;
  was_reset_ = number != EPIPE;
  broken_by_ = error_of(number);
  queue_.clear();
  return 0;
}

void StreamNode::end_writing() {
  if (is_ending_) return;
  is_ending_ = true;
  if (queue_.is_empty() && !is_broken_) ::shutdown(fd_, SHUT_WR);
}

std::optional<std::uint64_t> StreamNode::acknowledged_bytes() const {
  std::optional<std::uint64_t> acknowledged = tcp_acknowledged_bytes(fd_);
  if (!acknowledged) return std::nullopt;
  // Linux counts the SYN of the side that connected, and the FIN.
  if (did_connect_ && *acknowledged > 0) --*acknowledged;
  return std::min(*acknowledged, sent_bytes_);
}

TcpStream::~TcpStream() {
  if (node_ != nullptr) node_->close();
}

void TcpStream::set_observer(StreamObserver* observer) {
  node_->observer_ = observer;
  node_->sync();
}

WriteResult TcpStream::write(std::span<const std::string_view> slices) {
  return node_->write(slices);
}

std::size_t TcpStream::queued_bytes() const { return node_->queue_.size(); }
std::uint64_t TcpStream::sent_bytes() const { return node_->sent_bytes_; }
bool StreamNode::has_input_waiting() const {
  char byte = 0;
  ssize_t result = ::recv(fd_, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return result >= 0 || (errno != EAGAIN && errno != EINTR);
}

bool TcpStream::may_hold_input() const { return node_->can_read_; }
bool TcpStream::has_input_waiting() const { return node_->has_input_waiting(); }

std::optional<std::uint64_t> TcpStream::acknowledged_bytes() const {
  return node_->acknowledged_bytes();
}
void TcpStream::end_writing() { node_->end_writing(); }

void TcpStream::pause_reading(PauseReason reason) {
  node_->pause_reasons_ |= static_cast<std::uint8_t>(reason);
}

void TcpStream::resume_reading(PauseReason reason) {
  node_->pause_reasons_ &= static_cast<std::uint8_t>(~static_cast<unsigned>(reason));
  node_->sync();
}

bool TcpStream::is_reading_paused() const { return node_->pause_reasons_ != 0; }

void TcpStream::do_reset() { std::exchange(node_, nullptr)->reset(); }
void TcpStream::do_finish() { std::exchange(node_, nullptr)->finish(); }

}  // namespace weir::net
