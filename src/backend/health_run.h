#pragma once
// One probe and one check of it under way.
#include "weir/backend/health_checker.h"
#include "weir/wire/outbound.h"

namespace weir::backend {

// What is known of one (address, check).
class HealthChecker::Probe {
 public:
  Probe(HealthChecker& owner, Endpoint to, std::shared_ptr<const config::HealthConfig> what,
        std::uint64_t its_number)
      : checker(owner), endpoint(std::move(to)), check(std::move(what)), number(its_number) {}
  void remember(const ProbeResult& result);
  std::vector<ProbeResult> newest_first() const;

  HealthChecker& checker;
  const Endpoint endpoint;
  const std::shared_ptr<const config::HealthConfig> check;
  const std::uint64_t number;
  std::vector<CheckListener*> listeners;
  TimePoint due{};            // meaningful while no check is under way
  TimePoint began{};          // the last check
  std::unique_ptr<Run> run;   // null: waiting for its turn
  bool has_finished = false;  // a first check

 private:
  std::vector<ProbeResult> results_;  // a ring once it is full
  std::size_t next_ = 0;
};

class HealthChecker::Run final : private net::ConnectObserver, private wire::OutboundObserver {
 public:
  Run(HealthChecker& checker, Probe& probe);
  ~Run() override;
  // Connects. What is known at once is told at once.
  void start();

 private:
  using Outcome = ProbeResult::Outcome;
  void on_connected(std::unique_ptr<net::Stream> stream) override;
  void on_connect_failed(net::ConnectError error) override;
  void on_head(const http::ResponseHead& head) override;
  void on_body(std::string_view bytes) override;
  void on_response_end(const http::Fields& trailers) override;
  void on_failure(const wire::OutboundFailure& failure) override;
  void on_informational(const http::ResponseHead&) override {}
  void on_backend_progress(std::size_t) override {}
  void on_response_read_done() override {}
  void on_idle_event() override {}
  void on_timeout();
  void end_connecting();
  void leave();
  void send_request();
  void finish(Outcome outcome, std::string_view detail = {});
  void give_up(std::string_view reason);
  std::unique_ptr<Run> detach();

  HealthChecker& checker_;
  Probe& probe_;
  net::Timer timer_;
  TimePoint began_;
  bool is_counted_ = true;  // among those under way
  bool is_connecting_ = true;
  bool has_head_ = false;
  int status_ = 0;
  std::size_t body_bytes_ = 0;
  bool has_text_ = false;
  std::string tail_;  // of the body: what the text may begin in
  std::unique_ptr<net::PendingConnect> pending_;
  std::unique_ptr<wire::OutboundConnection> connection_;
};

}  // namespace weir::backend
