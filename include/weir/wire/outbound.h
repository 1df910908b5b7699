#pragma once
// OutboundConnection sends requests over a Stream and reads their responses, HTTP/1.1, one at a
// time. Used by the proxy's leases; later by health checks and the command line. It owns framing;
// its observer owns time. Between requests it reports anything that happens as on_idle_event.
//
// Lifetime: a value of its owner. Inside a callback it is not destroyed but detached
// (set_observer(nullptr) or another one: the remaining events of that read are dropped) and
// retired. One loop, one thread. No call made here calls back before it returns.
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "weir/base/failure.h"
#include "weir/http/body.h"
#include "weir/http/message.h"
#include "weir/http/parser.h"
#include "weir/net/stream.h"
#include "weir/wire/context.h"

namespace weir::wire {

struct OutboundFailure {
  Failure failure;          // closed_before_response, bad_response or response_cut
  std::string_view detail;  // a constant
  bool is_unread = false;   // the backend cannot have read this request (DESIGN §6)
  bool has_response_bytes = false;
};

class OutboundObserver {
 public:
  virtual ~OutboundObserver() = default;
  // Heads and bytes die with the call.
  virtual void on_informational(const http::ResponseHead& head) = 0;
  virtual void on_head(const http::ResponseHead& head) = 0;
  virtual void on_body(std::string_view bytes) = 0;
  // The response is complete. Whether the connection may be used again: is_reusable().
  virtual void on_response_end(const http::Fields& trailers) = 0;
  virtual void on_failure(const OutboundFailure& failure) = 0;
  // The backend took queued bytes of the request; `queued` remain.
  virtual void on_backend_progress(std::size_t queued) = 0;
  // The events of one read are over: send what was composed. Not after on_response_end or
  // on_failure.
  virtual void on_response_read_done() = 0;
  virtual std::size_t response_budget() const { return net::kHighMarkBytes; }
  // While idle: bytes, an end or an error came. The connection is good for nothing any more.
  virtual void on_idle_event() = 0;
  // After start_tunnel(): raw bytes, and the backend's end of stream.
  virtual void on_backend_tunnel_bytes(std::string_view) {}
  virtual void on_backend_tunnel_end() {}
};

class OutboundConnection final : private net::StreamObserver {
 public:
  OutboundConnection(Context& context, std::unique_ptr<net::Stream> stream);
  ~OutboundConnection() override;

  void set_observer(OutboundObserver* observer) { observer_ = observer; }
  // Begins a request; `limits` bound the response's head. The bytes follow with send_raw().
  // `expects_continue`: without a 100 the backend may believe that no body follows.
  void start_request(http::Method method, const http::HeadLimits& limits,
                     bool expects_continue = false);
  // A serialised head, body bytes that are framed already.
  net::WriteResult send_raw(std::string_view bytes) { return stream_->write(bytes); }
  net::WriteResult send_raw(std::span<const std::string_view> slices) {
    return stream_->write(slices);
  }
  // The request is complete: its last byte was given to send_raw().
  void end_request() { is_request_ended_ = true; }
  bool has_ended_request() const { return is_request_ended_; }
  std::size_t queued_bytes() const { return stream_->queued_bytes(); }
  // See net::Stream. A system call.
  std::optional<std::uint64_t> acknowledged_bytes() const { return stream_->acknowledged_bytes(); }
  bool has_response_bytes() const { return has_response_bytes_; }

  void pause_reading() { stream_->pause_reading(net::PauseReason::kPeerFull); }
  void resume_reading() { stream_->resume_reading(net::PauseReason::kPeerFull); }
  bool is_reading_paused() const { return stream_->is_reading_paused(); }

  // After on_response_end: request and response are whole and nothing came behind them.
  bool is_reusable() const;
  // While idle: something came that the loop has not reported yet. A system call.
  bool has_stray_input() const { return stream_->has_input_waiting(); }
  // Whether it could, as far as can be told without a system call.
  bool may_have_stray_input() const { return stream_->may_hold_input(); }
  // Inside on_head of a 101: everything behind it passes raw, early bytes first.
  void start_tunnel() { state_ = State::kTunnel; }
  net::WriteResult write_tunnel(std::string_view bytes) { return stream_->write(bytes); }
  void end_tunnel_writing() { stream_->end_writing(); }

 private:
  enum class State : std::uint8_t { kIdle, kHead, kBody, kComplete, kTunnel, kFailed };
  void on_read(std::string_view bytes) override;
  void on_read_end() override;
  void on_stream_error(net::StreamError error) override;
  void on_write_progress(std::size_t queued) override;
  std::size_t read_budget() const override;

  void read_response(std::string_view bytes);
  bool take_head(std::string_view& bytes);
  void take_body(std::string_view bytes);
  void complete(bool has_extra_bytes);
  void fail(Failure failure, std::string_view detail, bool is_unread);
  bool cannot_have_been_read(bool is_clean_end) const;

  Context& context_;
  std::unique_ptr<net::Stream> stream_;
  OutboundObserver* observer_ = nullptr;
  Buffer partial_;  // of a head that came in pieces
  http::HeadProgress progress_;
  http::HeadLimits limits_;
  http::BodyDecoder body_;
  std::uint64_t sent_before_ = 0;  // bytes of earlier requests
  unsigned informational_count_ = 0;
  http::Method method_ = http::Method::kGet;
  State state_ = State::kIdle;
  bool is_request_ended_ = false;
  bool has_response_bytes_ = false;
  bool keeps_alive_ = false;
  bool has_extra_bytes_ = false;
  bool expects_continue_ = false;        // and no 100 came yet
};

}  // namespace weir::wire
