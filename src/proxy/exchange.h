#pragma once
// One request on its way: from the head at the client's side to the last byte of its answer. It
// decides; InboundConnection and Lease move the bytes. States and timers: timer_matrix.h. finish()
// runs exactly once and does all accounting. Owned by Proxy, retired by it; worker thread only.
//
// exchange.cc: beginning, the client's events, the end · exchange_attempt.cc: choosing, connecting,
// sending, retrying · exchange_relay.cc: the backend's events and tunnels.
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "request_text.h"
#include "weir/backend/connections.h"
#include "weir/backend/local_pool.h"
#include "weir/base/buffer.h"
#include "weir/base/failure.h"
#include "weir/base/recycled.h"
#include "weir/http/accept.h"
#include "weir/http/message.h"
#include "weir/observe/request_in_flight.h"
#include "weir/proxy/proxy.h"
#include "weir/proxy/retry_policy.h"
#include "weir/proxy/timer_matrix.h"
#include "weir/wire/inbound.h"
#include "weir/wire/outbound.h"
#include "weir/wire/write_watch.h"

namespace weir::proxy {

class Exchange final : public ListNode<Exchange>,
                       public Recycled<Exchange>,
                       private wire::RequestHandler,
                       private wire::OutboundObserver,
                       private backend::AcquireObserver,
                       private backend::PoolWaiter {
 public:
  // Takes what it needs of `head`, which dies with the event; attaches itself to `client`.
  Exchange(Proxy& proxy, wire::InboundConnection& client, const http::RequestHead& head);
  ~Exchange() override;

  // The drain's deadline, or the end of the process: cut what is left.
  void cut(Failure failure);
  bool is_timed() const;
  // What it is and how far, for administrators.
  observe::RequestInFlight in_flight() const;

 private:
  // --- wire::RequestHandler: the client ---
  void on_request_body(std::string_view bytes) override;
  void on_request_end(const http::Fields& trailers) override;
  void on_request_read_done() override;
  void on_client_failure(Failure failure, std::string_view detail) override;
  void on_client_progress(std::size_t queued) override;
  std::size_t request_body_budget() const override;
  void on_tunnel_bytes(std::string_view bytes) override;
  void on_tunnel_end() override;
  // --- wire::OutboundObserver: the backend ---
  void on_informational(const http::ResponseHead& head) override;
  void on_head(const http::ResponseHead& head) override;
  void on_body(std::string_view bytes) override;
  void on_response_end(const http::Fields& trailers) override;
  void on_failure(const wire::OutboundFailure& failure) override;
  void on_backend_progress(std::size_t queued) override;
  void on_response_read_done() override;
  std::size_t response_budget() const override;
  void on_idle_event() override {}
  void on_backend_tunnel_bytes(std::string_view bytes) override;
  void on_backend_tunnel_end() override;
  // --- backend::AcquireObserver ---
  void on_acquired(backend::Lease lease) override;
  void on_acquire_failed(Failure failure) override;
  // --- backend::PoolWaiter ---
  void on_pool_decided() override;

  void route(const http::RequestHead& head);
  void prepare(const http::RequestHead& head, const http::ClientIdentity& identity);
  void remember(const http::RequestHead& head, const http::ClientIdentity& identity);
  void choose_request_id(const http::RequestHead& head, bool is_trusted);
  // Max-Forwards at 0: weir itself answers (R07).
  void prepare_last_hop_answer(const http::RequestHead& head);
  void answer_as_last_hop();

  void attempt();
  void hold();
  void stop_holding();
  void answer_without_backend();
  void begin_sending(backend::Lease lease);
  void count_connection();
  void send_upload();
  void pass_upload(std::string_view bytes);
  void forget_request();
  void forget_kept_request();
  void note_wanted_form();
  void attempt_failed(Failure failure, bool is_unread, bool has_response_bytes,
                      std::string_view detail);
  // To weir's own log: LocalBackend::is_failure_news().
  void say_failing(Failure failure, bool is_unread, std::string_view detail);
  void say_recovered();
  bool may_retry(Failure failure, bool is_unread, bool has_response_bytes);
  void retry();
  void start_tunnel(const http::ResponseHead& head);
  void end_tunnel_when_flushed();
  void drop_backend();
  void release_backend();

  bool transition(ExchangeState to);
  Activity client_activity() const;
  Activity backend_activity() const;
  // Arms or cancels the backend side's timer as the matrix says. `progressed`: silence begins anew.
  enum class Progress : std::uint8_t { kNone, kMade };
  void update_timer(Progress progress);
  void on_timer();
  void on_write_timer();
  void on_request_timeout();

  void reply(Failure failure, std::string_view detail);
  void finish_when_flushed();
  enum class Ending : std::uint8_t { kClean, kCut };
  void finish(std::optional<Failure> failure, Ending ending);
  void account();
  observe::RequestRecord record(TimePoint now) const;
  observe::Phase phase() const;
  void misbehaved(std::string_view what);

  Proxy& proxy_;
  wire::InboundConnection& client_;
  std::shared_ptr<backend::LocalPool> pool_;
  std::shared_ptr<observe::RouteSeries> route_series_;
  ExchangeState state_ = ExchangeState::kRouting;
  ExchangeState failed_in_ = ExchangeState::kDone;  // for the log's phase
  std::optional<Failure> failure_;  // decided while routing, or the reason of a reply
  std::string_view detail_;         // a constant

  // The request as it goes to a backend. Kept whole until the first response byte, or until it
  // outgrows kMaxKeptRequestBytes: then bytes pass through and no attempt can be repeated.
  Buffer request_;
  std::size_t sent_bytes_ = 0;  // of request_, in this attempt
  http::BodyKind upload_kind_ = http::BodyKind::kNone;
  http::Method method_;
  http::Acceptance wanted_form_;  // of a page; known once the request is about to be forgotten
  bool is_request_kept_ = true;
  bool expects_continue_ = false;
  bool is_upload_complete_ = false;
  bool is_upload_broken_ = false;  // the backend stopped taking it; its answer may still come
  bool is_last_hop_ = false;
  bool sends_trailers_ = false;       // the client accepts them
  bool has_relayed_backend_ = false;  // the response came to its end
  bool has_client_ended_tunnel_ = false;
  bool has_backend_ended_tunnel_ = false;

  // The attempt.
  std::unique_ptr<backend::Waiter> waiter_;
  backend::Lease lease_;
  std::shared_ptr<backend::LocalBackend> backend_;   // of the last attempt
  std::vector<const backend::LocalBackend*> tried_;  // that failed; compared, never followed
  std::optional<Failure> retried_failure_;           // of the attempt before
  unsigned tries_ = 0;
  TimePoint first_try_at_{};
  net::Timer timer_;
  ExchangeTimer armed_ = ExchangeTimer::kNone;
  wire::WriteWatch write_watch_;
  net::Timer request_timer_;
  std::optional<std::uint64_t> keep_alive_timeout_seconds_;

  // For accounting and for lists of what is in flight.
  RequestText text_;
  IpAddress client_ip_;
  std::string_view scheme_;  // a constant; these two only when is_logged_
  int minor_version_ = 1;
  bool is_logged_ = false;
  int status_ = 0;
  std::uint64_t sent_to_client_before_ = 0;  // by earlier requests of the connection
  std::uint64_t body_bytes_in_ = 0;
  std::uint64_t body_bytes_out_ = 0;
  TimePoint hold_began_{};
  std::optional<Duration> hold_duration_;
  std::optional<Duration> connect_duration_;
  TimePoint sent_at_{};
  std::optional<Duration> response_head_duration_;
  bool is_reused_ = false;
  std::string requested_upgrade_;
  std::string echo_;  // TRACE's answer of our own
  // What Connection named beside the usual: trailers of these names end here. Nearly always empty.
  std::string request_hop_names_;
  std::string response_hop_names_;
  std::array<char, 128> request_id_;
  std::size_t request_id_bytes_ = 0;
};

}  // namespace weir::proxy
