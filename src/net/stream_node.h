#pragma once
// What a TCP or Unix stream is behind its token: a non-blocking descriptor, the queue of unsent
// bytes, and what the kernel said of its readiness. It is owned by the loop from creation until the
// end of the turn in which it closed (DESIGN §4.1). One size for its whole life: it starts as a
// connect attempt or as an accepted socket, becomes the stream, and may end by lingering.
//
// The kernel tells of each change once (EPOLLET), so readiness is remembered: can_read_ and
// can_write_ stay until a call finds nothing more to read, or takes less than it was given. What is
// both wanted and possible runs in the event itself or, when it becomes so in other ways (a resumed
// stream, a read that did not take everything), deferred to the end of the turn.
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "src/net/poller.h"
#include "weir/base/byte_queue.h"
#include "weir/net/loop.h"
#include "weir/net/stream.h"
#include "weir/net/timer.h"

namespace weir::net {

class ConnectAttempt;
class StreamNode;

// The token. It lives inside its node, so deleting it frees nothing.
class TcpStream final : public Stream {
 public:
  explicit TcpStream(StreamNode& node) : node_(&node) {}
  TcpStream(const TcpStream&) = delete;
  TcpStream& operator=(const TcpStream&) = delete;
  ~TcpStream() override;
  static void operator delete(void*) {}

  void set_observer(StreamObserver* observer) override;
  WriteResult write(std::span<const std::string_view> slices) override;
  std::size_t queued_bytes() const override;
  std::uint64_t sent_bytes() const override;
  std::optional<std::uint64_t> acknowledged_bytes() const override;
  bool may_hold_input() const override;
  bool has_input_waiting() const override;
  void end_writing() override;
  void pause_reading(PauseReason reason) override;
  void resume_reading(PauseReason reason) override;
  bool is_reading_paused() const override;

 protected:
  void do_reset() override;
  void do_finish() override;

 private:
  StreamNode* node_;
};

// A finished stream's deadline; exists only while its node lingers.
struct Linger : ListNode<Linger> {
  explicit Linger(StreamNode& owner) : node(owner) {}
  void on_deadline();
  StreamNode& node;
  Timer timer{Timer::bind<&Linger::on_deadline>(this)};
  TimePoint flush_until{};
  std::uint64_t acknowledged = 0;  // when that was last asked
  std::size_t discarded = 0;
};

class StreamNode final : private Pollable {
 public:
  enum class Origin : std::uint8_t { kAccepted, kConnecting };
  // Takes `fd`. An accepted one is watched; null (and `fd` closed) when the kernel will not.
  static StreamNode* create(Loop::Impl& loop, int fd, Origin origin);
  // Closes at once.
  void close();

  // The connect attempt that hears of readiness until the connection stands; then it becomes a
  // stream. False when the kernel will not watch it.
  bool await_connect(ConnectAttempt* attempt);
  std::unique_ptr<Stream> make_stream(bool is_unix);
  int fd() const { return fd_; }
  Loop::Impl& loop() { return loop_; }

 private:
  friend class TcpStream;
  friend struct Linger;
  enum class Phase : std::uint8_t { kConnecting, kOpen, kLingering, kClosed };

  StreamNode(Loop::Impl& loop, int fd, Origin origin);
  void note_events(std::uint32_t events) override;
  void on_events(std::uint32_t events) override;
  void on_deferred() override;
  void release() override;

  bool wants_read() const;
  // Whether one of the two is both wanted and possible.
  bool is_read_due() const { return can_read_ && wants_read(); }
  bool is_write_due() const { return can_write_ && !queue_.is_empty(); }
  // The peer ended its side and then broke the connection: no recv will tell.
  bool is_break_due() const {
    return has_error_ && has_read_end_ && !has_failed_ && phase_ == Phase::kOpen;
  }
  // Reading is paused, but the observer need not read first.
  bool is_reset_due() const {
    return has_error_ && pause_reasons_ != 0 && !has_read_end_ && !has_failed_ &&
           observer_ != nullptr && observer_->hears_reset_while_paused();
  }
  // An end that a paused observer has not been told of.
  bool is_end_waiting() const {
    return has_end_ && pause_reasons_ != 0 && !has_read_end_ && !has_failed_ && !told_end_ &&
           phase_ == Phase::kOpen && observer_ != nullptr;
  }
  // After something became wanted: watches for what is not watched yet, defers what is due.
  void sync();
  // The next thing that is due.
  void run();
  void run_open();
  void on_writable();
  void on_readable();
  // recv(2) into the loop's buffer. Whether it took all there was is is_drained's affair.
  ssize_t receive(std::size_t budget);
  // Whether a read of so many bytes, of so many asked for, left nothing behind.
  bool is_drained(ssize_t count, std::size_t budget) const {
    return count < static_cast<ssize_t>(budget) && !has_end_ && !has_urgent_ && !met_descriptors_;
  }
  void on_end();
  void fail(StreamError error);

  WriteResult write(std::span<const std::string_view> slices);
  // Both return what the kernel took; a failure sets is_broken_.
  std::size_t send_slices(std::span<const std::string_view> slices);
  std::size_t flush();
  // `result` as of send(2); returns the bytes taken.
  std::size_t note_sent(ssize_t result);
  void end_writing();
  std::optional<std::uint64_t> acknowledged_bytes() const;
  bool has_input_waiting() const;

  void attempt_ready();  // in connector.cc

  void finish();
  void reset();
  void on_linger_ready();
  void flush_lingering();
  bool is_taking_the_rest();
  void discard_input();

  Loop::Impl& loop_;
  union {
    StreamObserver* observer_;  // kOpen
    ConnectAttempt* attempt_;   // kConnecting
    Linger* linger_;            // kLingering
  };
  alignas(TcpStream) char token_[sizeof(TcpStream)];
  ByteQueue queue_;
  std::uint64_t sent_bytes_ = 0;
  int fd_;
  std::uint8_t pause_reasons_ = 0;
  Phase phase_ : 2;
  StreamError broken_by_ : 2 = StreamError::kOther;  // while is_broken_
  bool can_read_ : 1 = false;
  bool can_write_ : 1 = true;
  bool has_end_ : 1 = false;        // the kernel said that the peer's end has come: read up to it
  bool has_urgent_ : 1 = false;     // … that an urgent byte came, once
  bool has_error_ : 1 = false;      // … that the connection is broken
  bool watches_write_ : 1 = false;  // EPOLLOUT is watched
  bool did_connect_ : 1;
  bool is_broken_ : 1 = false;     // a send failed
  bool was_reset_ : 1 = false;     // by more than EPIPE: the coming recv of 0 is no orderly end
  bool is_ending_ : 1 = false;     // end_writing() was called
  bool has_read_end_ : 1 = false;  // recv said 0
  bool has_failed_ : 1 = false;    // the error was reported
  bool told_end_ : 1 = false;      // on_end_waiting() was called
  bool is_unix_ : 1 = false;
  bool met_descriptors_ : 1 = false;  // the last read stopped where descriptors were passed
  bool reads_first_ : 1 = false;      // whose turn it is when both are ready
};

}  // namespace weir::net
