#pragma once
// A byte stream between two parties: the one thing of the network that connections see. weir has
// TCP and Unix streams (net::Loop makes them); the simulation has its own.
//
// Lifetime (DESIGN §4): the Stream is a token; destroying it closes the connection at once and no
// callback follows. It may be destroyed inside any of its callbacks: a callback is the last thing
// that the stream does. No call made here calls back before it returns. One loop, one thread.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

namespace weir::net {

// So much queued in a stream: its source should stop. Also the most that one read delivers.
inline constexpr std::size_t kHighMarkBytes = 64 * 1024;
// At most this queued: the source may go on.
inline constexpr std::size_t kLowMarkBytes = 16 * 1024;

enum class StreamError : unsigned char {
  kReset,     // RST, or a write to a peer that is gone
  kTimedOut,  // the kernel gave up
  kOther,
};

// Why reading is paused; it goes on when no reason is left.
enum class PauseReason : unsigned char {
  kPeerFull = 1,    // what is read here has nowhere to go: the other side's queue is full
  kPipelined = 2,   // enough of the next request is kept
  kNotStarted = 4,  // its owner is not ready for bytes yet
};

class StreamObserver {
 public:
  virtual ~StreamObserver() = default;
  // `bytes` is never empty and dies with the call.
  virtual void on_read(std::string_view bytes) = 0;
  // The peer's orderly end of stream, after all its bytes. Once. Writing still works.
  virtual void on_read_end() = 0;
  // The stream is broken, nothing more will come or go. Once, after all readable bytes.
  virtual void on_stream_error(StreamError error) = 0;
  // Queued bytes were taken by the kernel; `queued` remain (0: all of it was taken).
  virtual void on_write_progress(std::size_t queued) = 0;
  // Whether a reset is told even while reading is paused, at the price of what was not read yet:
  // where that has no use without the peer (R31).
  virtual bool hears_reset_while_paused() const { return false; }
  // The peer has ended its side while reading is paused: on_read_end() comes behind the bytes that
  // are not read yet. At most once.
  virtual void on_end_waiting() {}
  // How much one read may deliver at most, asked before each; at least 1.
  virtual std::size_t read_budget() const { return kHighMarkBytes; }
};

enum class WriteResult : unsigned char {
  kOk,         // taken by the kernel, or queued below the high mark
  kAboveMark,  // all of it is taken or queued, and the queue has reached the high mark: pause the
               // source
  kBroken,     // the peer will not get it; reading goes on until its end or error is reported
};

class Stream {
 public:
  virtual ~Stream() = default;
  // The observer outlives the stream or is replaced before it goes; never null while reading.
  virtual void set_observer(StreamObserver* observer) = 0;

  // Sends all slices in order: directly while the kernel takes them, the rest is copied and queued.
  virtual WriteResult write(std::span<const std::string_view> slices) = 0;
  WriteResult write(std::string_view bytes) { return write(std::span(&bytes, 1)); }
  // Bytes accepted by write() but not yet by the kernel.
  virtual std::size_t queued_bytes() const = 0;
  // Bytes handed to the kernel since the connection began.
  virtual std::uint64_t sent_bytes() const = 0;
  // Of these, the bytes that the peer's kernel acknowledged; nullopt where that cannot be known
  // (Unix sockets). A system call: for failures, not per request.
  virtual std::optional<std::uint64_t> acknowledged_bytes() const = 0;
  // Whether has_input_waiting() may say yes: false when the last read is known to have left nothing.
  virtual bool may_hold_input() const { return true; }
  // Whether the kernel holds something that was not reported yet: bytes, an end, an error. A system
  // call on sockets; false where a stream holds nothing back.
  virtual bool has_input_waiting() const { return false; }
  // Sends the end of stream after all that is queued; reading goes on.
  virtual void end_writing() = 0;

  // Reading starts paused with kNotStarted only where a maker says so; otherwise it is on.
  virtual void pause_reading(PauseReason reason) = 0;
  virtual void resume_reading(PauseReason reason) = 0;
  virtual bool is_reading_paused() const = 0;

  // Closes so that the peer sees a reset: the visible cut of an answer without length.
  static void reset(std::unique_ptr<Stream> stream);
  // Closes gracefully in the background: flush, end of stream, discard what comes until the peer's
  // end, but at most 256 KiB and for 1 s, close. So that an answer is not eaten by a reset (RFC
  // 9112 §9.6).
  static void finish(std::unique_ptr<Stream> stream);

 protected:
  // Each makes the destructor that follows do no more than forget the node.
  virtual void do_reset() = 0;
  virtual void do_finish() = 0;
};

}  // namespace weir::net
