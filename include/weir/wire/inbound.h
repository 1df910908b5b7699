#pragma once
// InboundConnection receives requests over one client's Stream, HTTP/1.1, one at a time and in
// order (R28), and sends what its handler answers. Used by the proxy, the admin interface and the
// demo's sample runners. It owns the client side's framing, timers, pipelining and closing; the
// handler decides the answers.
//
// Lifetime: owned by its InboundOwner, which retires it on on_closed. One loop, one thread. No call
// made here calls back before it returns; in a callback the connection may be told anything.
#include <cstdint>
#include <memory>
#include <string_view>

#include "weir/base/address.h"
#include "weir/base/failure.h"
#include "weir/base/intrusive_list.h"
#include "weir/http/forward.h"
#include "weir/http/message.h"
#include "weir/http/parser.h"
#include "weir/net/scheduler.h"
#include "weir/net/stream.h"
#include "weir/wire/context.h"

namespace weir::wire {

class InboundConnection;

struct InboundSettings {
  http::HeadLimits limits;
  Duration request_head = std::chrono::seconds(10);
  Duration client_idle = std::chrono::seconds(75);
  Duration client_body = std::chrono::seconds(30);
  Duration client_write = std::chrono::seconds(30);
  Duration client_fin = std::chrono::seconds(1);
};

// What a request's handler hears of the client. Nothing comes after on_client_failure or release().
class RequestHandler {
 public:
  virtual ~RequestHandler() = default;
  // A piece of the request's body, decoded; dies with the call.
  virtual void on_request_body(std::string_view bytes) = 0;
  // The request is complete, with or without a body. `trailers` dies with the call.
  virtual void on_request_end(const http::Fields& trailers) = 0;
  // The events of one read are over; the place to act on them in one write.
  virtual void on_request_read_done() = 0;
  // The client's side failed: client_gone, a broken or too slow body, no progress in taking the
  // answer. Where no answer began one is still possible, unless the client is gone.
  virtual void on_client_failure(Failure failure, std::string_view detail) = 0;
  // The client took queued bytes; `queued` remain. Up to net::kLowMarkBytes the source may go on.
  virtual void on_client_progress(std::size_t queued) = 0;
  // How much of the body or the tunnel can be taken now (at least 1); asked before each read.
  virtual std::size_t request_body_budget() const { return net::kHighMarkBytes; }
  // After start_tunnel(): raw bytes, and the client's end of stream.
  virtual void on_tunnel_bytes(std::string_view) {}
  virtual void on_tunnel_end() {}
};

// Makes handlers, owns connections. One per worker, listener group or server; outlives both.
class InboundOwner {
 public:
  virtual ~InboundOwner() = default;
  // For each request anew, so that a reload reaches old connections.
  virtual const InboundSettings& inbound_settings() const = 0;
  // Answers on this connection shall say Connection: close (drain, a listener that is gone).
  virtual bool wants_close(const InboundConnection& connection) const = 0;
  // Connections without a request under way shall close (the end of a drain).
  virtual bool closes_idle() const { return false; }
  // A head was received. The owner calls connection.attach() with a handler before it returns.
  virtual void on_request(InboundConnection& connection, const http::RequestHead& head) = 0;
  // A head was refused, or did not arrive in time after its first byte: the owner accounts for it
  // and calls connection.answer_refused() or nothing (then the connection closes silently).
  virtual void on_refused(InboundConnection& connection, Failure failure,
                          std::string_view detail) = 0;
  // Over; no further callback. The owner retires the connection and does nothing else: this comes
  // inside release() and its like.
  virtual void on_closed(InboundConnection& connection) = 0;
};

class InboundConnection final : public ListNode<InboundConnection>, private net::StreamObserver {
 public:
  enum class State : std::uint8_t {
    kIdle,      // between requests, or before the first byte of the first
    kHead,      // part of a head came
    kExchange,  // a handler is attached
    kTunnel,    // bytes pass raw
    kClosed,    // on_closed was called or is about to be
  };

  // `listener`: an index for the owner, passed through.
  InboundConnection(Context& context, InboundOwner& owner, std::unique_ptr<net::Stream> stream,
                    const IpAddress& peer, std::uint32_t listener);
  ~InboundConnection() override;

  State state() const { return state_; }
  const IpAddress& peer() const { return peer_; }
  std::uint32_t listener() const { return listener_; }
  // First byte of the current request.
  TimePoint request_began() const { return request_began_; }

  // --- for the handler, from on_request until release() ---
  void attach(RequestHandler& handler) { handler_ = &handler; }
  // Sends a 1xx (not 101). Dropped for HTTP/1.0.
  void send_informational(const http::ResponseHead& head, http::ResponseForwarding how);
  // Sends the final head; weir decides the client's framing and whether the connection goes on.
  // Head and body pieces are composed and go out together with flush().
  void send_head(const http::ResponseHead& head, http::ResponseForwarding how);
  void send_body(std::string_view bytes);
  // The body is complete as far as the source is concerned; the framing's end goes out.
  void end_response(const http::Fields& trailers);
  // A whole answer of weir's own: head, body, end. Its keep_alive says whether the connection may
  // go on as far as the handler is concerned.
  void answer(http::LocalResponse response);
  // Hands over what was composed. kAboveMark: pause the source. kBroken: the client is gone.
  net::WriteResult flush();
  std::size_t queued_bytes() const;
  // Handed to the kernel since the connection began; 0 when it is closed.
  std::uint64_t sent_bytes() const { return stream_ == nullptr ? 0 : stream_->sent_bytes(); }
  bool has_begun_response() const { return response_ != ResponseState::kNone; }
  bool has_ended_response() const { return response_ == ResponseState::kEnded; }
  bool has_whole_request() const { return request_is_complete_; }
  // The client's end of stream came. When that was before start_tunnel(), on_tunnel_end() does not.
  bool has_client_ended() const { return read_ended_; }
  // The client waits for a 100 before it sends its body: no silence of its own is counted
  // meanwhile.
  bool is_waiting_to_continue() const;
  // The body's source or sink is full / has room again. Stops the client_body timer meanwhile.
  void pause_body();
  void resume_body();
  bool is_body_paused() const { return is_body_paused_; }
  // Sends a 101 and turns the connection into a tunnel. Bytes that came early: take_early_bytes().
  void start_tunnel(const http::ResponseHead& head, http::ResponseForwarding how);
  // Bytes behind the request that belong to the tunnel. Call once, right after start_tunnel().
  Buffer take_early_bytes();
  net::WriteResult write_tunnel(std::string_view bytes);
  void end_tunnel_writing();

  // The handler is done. With the response ended and the request read, the connection goes on or
  // closes gracefully as announced; otherwise what was sent is flushed and the connection closes.
  void release();
  // The same, but the client shall see that the answer is incomplete: closes with a reset.
  void release_and_cut();
  // Drain: closes if no request is under way. A client that has not said anything yet gets a
  // moment, because its first request may be on its way.
  void close_if_idle();
  // Closes at once. Not while a handler is attached.
  void cut() { close(Closing::kSilent); }
  // In on_refused: what had come of the request's head.
  std::string_view refused_bytes() const;
  // After on_refused: sends this answer and closes.
  void answer_refused(http::LocalResponse response);
  // Whether the timer that the state demands is armed (the matrix of DESIGN §3), for the
  // simulation.
  bool is_timed() const;

 private:
  enum class ResponseState : std::uint8_t { kNone, kBegun, kEnded };
  enum class TimerKind : std::uint8_t { kNone, kIdle, kHead, kBody, kFin, kResume };
  struct Work;  // what only a request under way needs

  void on_read(std::string_view bytes) override;
  void on_read_end() override;
  void on_stream_error(net::StreamError error) override;
  void on_write_progress(std::size_t queued) override;
  std::size_t read_budget() const override;
  bool hears_reset_while_paused() const override { return true; }
  void on_end_waiting() override;

  void read_requests(std::string_view bytes);
  std::string_view take_head(std::string_view bytes);
  std::string_view take_body(std::string_view bytes);
  void keep(std::string_view bytes);
  void begin_request();
  void complete_request(const http::Fields& trailers);
  void compose_head(const http::ResponseHead& head, http::ResponseForwarding& how);
  void refuse(Failure failure, std::string_view detail, std::string_view bytes);
  void fail(Failure failure, std::string_view detail);
  void arm(TimerKind kind);
  void on_timer();
  void on_write_timer();
  void note_sent();
  void watch_writing();
  void read_kept();
  void go_on();
  void forget_work();
  enum class Closing : std::uint8_t { kSilent, kGraceful, kReset };
  void close(Closing how);
  Work& work();

  Context& context_;
  InboundOwner& owner_;
  std::unique_ptr<net::Stream> stream_;
  RequestHandler* handler_ = nullptr;
  std::unique_ptr<Work> work_;
  net::Timer timer_;
  TimePoint request_began_{};
  IpAddress peer_;
  std::uint32_t listener_;
  State state_ = State::kIdle;
  ResponseState response_ = ResponseState::kNone;
  TimerKind timer_kind_ = TimerKind::kNone;
  bool is_first_request_ : 1 = true;
  bool request_is_complete_ : 1 = false;
  bool read_ended_ : 1 = false;
  bool is_end_waiting_ : 1 = false;  // behind what is not read yet
  bool keep_alive_ : 1 = false;      // after this exchange, as announced
  bool is_reading_ : 1 = false;      // inside read_requests()
  bool is_body_paused_ : 1 = false;
  bool is_broken_ : 1 = false;  // a write failed: nobody is there to read
  bool is_stuck_ : 1 = false;   // it did not read for client_write
  bool is_deaf_ : 1 = false;    // nothing more of this connection is interpreted (R08)
};

}  // namespace weir::wire
