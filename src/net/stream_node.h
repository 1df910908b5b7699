#pragma once
// What a TCP or Unix stream is behind its token: a non-blocking descriptor, one uv_poll_t, the
// queue of unsent bytes. It is owned by the loop from creation until libuv's close callback (DESIGN
// §4.1). One size for its whole life: it starts as a connect attempt or as an accepted socket,
// becomes the stream, and may end by lingering, always with the same handle.
//
// Watching is lazy: what is newly wanted is armed at once, what is no longer wanted is disarmed
// only when it fires. So a stream that pauses and resumes, queues and flushes, or is closed inside
// its last callback costs no epoll_ctl for it.
#include <uv.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

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
  std::size_t discarded = 0;
};

class StreamNode {
 public:
  enum class Origin : std::uint8_t { kAccepted, kConnecting };
  // Takes `fd`. Null (and `fd` closed) when the kernel will not watch it.
  static StreamNode* create(Loop::Impl& loop, int fd, Origin origin);
  // Closes at once.
  void close();

  // The connect attempt that hears of readiness until the connection stands; then it becomes a
  // stream.
  void await_connect(ConnectAttempt* attempt);
  std::unique_ptr<Stream> make_stream();
  int fd() const { return fd_; }
  Loop::Impl& loop() { return loop_; }

 private:
  friend class TcpStream;
  friend struct Linger;
  enum class Phase : std::uint8_t { kConnecting, kOpen, kLingering, kClosed };

  StreamNode(Loop::Impl& loop, int fd, Origin origin);
  static void on_poll(uv_poll_t* handle, int status, int events);
  static void on_closed(uv_handle_t* handle);

  // Which events the stream waits for now, arming what is missing, arming exactly these.
  int wanted_events() const;
  void sync();
  void arm(int events);

  void on_open_ready(int events, bool has_error);
  void on_writable();
  void on_readable();
  void on_end();
  void on_hangup(bool has_error);
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
  void discard_input();

  uv_poll_t poll_;
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
  // 232 bytes with these, so that malloc's block is 240.
  std::uint8_t pause_reasons_ = 0;
  Phase phase_ : 2;
  StreamError broken_by_ : 2 = StreamError::kOther;  // while is_broken_
  std::uint8_t armed_ : 4 = 0;                       // uv_poll_event bits
  bool did_connect_ : 1;
  bool is_broken_ : 1 = false;     // a send failed
  bool was_reset_ : 1 = false;     // by more than EPIPE: the coming recv of 0 is no orderly end
  bool is_ending_ : 1 = false;     // end_writing() was called
  bool has_read_end_ : 1 = false;  // recv said 0
  bool has_hung_up_ : 1 = false;   // both directions ended: nothing left to watch
  bool has_failed_ : 1 = false;    // the error was reported
  bool reads_first_ : 1 = false;   // whose turn it is when both are ready
};

}  // namespace weir::net
