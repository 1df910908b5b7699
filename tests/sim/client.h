#pragma once
// A client: one connection to weir, on which it sends the requests of its plan, well or badly, and
// judges what comes back.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/ledger.h"
#include "sim/link.h"
#include "sim/message.h"
#include "sim/network.h"

namespace weir::sim {

struct RequestPlan {
  std::string method = "GET";
  BodyEnd body = BodyEnd::kNone;  // of the request; never kUntilClose
  std::size_t body_bytes = 0;
  std::size_t chunk_bytes = 1000;
  int minor_version = 1;
  bool says_close = false;
  bool says_keep_alive = false;  // 1.0
  bool expects_continue = false;
  bool wants_upgrade = false;
  std::size_t tunnel_bytes = 0;        // to send after the 101 …
  std::size_t early_tunnel_bytes = 0;  // … of which so many do not wait for it
  std::string host = "a.test";
  std::string extra_fields{};  // whole lines
  // Sent as it stands instead of all that; weir is to refuse it.
  std::string malformed{};
  // Sent in place of the body; weir is to notice, and no backend to take it for whole.
  std::string malformed_body{};
};

// kSilence: it just stops. kVanish: its network is gone, nothing comes or goes any more.
enum class Stop : std::uint8_t { kNever, kReset, kClose, kHalfClose, kSilence, kVanish };

struct ClientPlan {
  std::vector<RequestPlan> requests;
  bool is_pipelining = false;
  Duration between = std::chrono::microseconds(50);  // from a response to the next request
  std::size_t piece_bytes = 0;                       // what is written at once; 0 = all
  Duration piece_delay{};
  Stop stop = Stop::kNever;            // what happens …
  std::uint64_t stop_at = 0;           // … when so many bytes were sent
  std::size_t read_quota = 0;          // pauses reading after so many; 0 = never
  std::optional<Duration> read_pause;  // none: for ever
  bool closes_when_done = true;        // else waits for weir to close
  Nature nature;
  bool is_excused = false;  // what goes wrong may be its own doing
  bool is_clean = false;    // nothing may go wrong
};

class SimClient final : private LinkUser, private MessageUser {
 public:
  SimClient(EventQueue& events, Network& network, Ledger& ledger, Trace& trace, unsigned number,
            ClientPlan plan);
  // Connects: the weir side's stream, to be given to the proxy.
  std::unique_ptr<net::Stream> start();
  Link& link() { return *link_; }
  unsigned informational() const { return informational_; }
  // The request that weir read and left without an answer, though nothing was wrong with it.
  std::optional<std::uint64_t> unanswered() const { return unanswered_; }
  // The one before that on this connection; null: it was the first.
  const Request* before_unanswered() const {
    return answered_ == 0 ? nullptr : ledger_.find(requests_[answered_ - 1]);
  }
  const Head& last_head() const { return last_head_; }
  std::optional<TimePoint> closed_at() const { return closed_at_; }

 private:
  void on_bytes(Link& link, std::string_view bytes) override;
  void on_end(Link& link) override;
  void on_reset(Link& link) override;
  BodyEnd on_message_head(const Head& head) override;
  void on_message_body(std::string_view bytes) override;
  void on_message_end() override;
  void on_raw(std::string_view bytes) override;
  void on_nonsense(const char* why) override;

  void plan_request(const RequestPlan& plan);
  void append_head(const RequestPlan& plan, const Request& request);
  void append_body(const RequestPlan& plan, const Request& request);
  void send_later(Duration after);
  void send_piece();
  bool stop_here();
  void next_request();
  void begin_tunnel();
  void end_tunnel();
  void gone(bool was_reset);
  Request& current() { return *ledger_.find(requests_[answered_]); }
  const RequestPlan& current_plan() const { return plan_.requests[answered_]; }

  EventQueue& events_;
  Network& network_;
  Ledger& ledger_;
  Trace& trace_;
  unsigned number_;
  ClientPlan plan_;
  Link* link_ = nullptr;
  MessageReader reader_{*this};
  std::string outbox_;
  std::uint64_t sent_ = 0;  // of everything ever put into the outbox
  std::uint64_t planned_ = 0;
  std::vector<std::uint64_t> requests_;
  std::size_t answered_ = 0;
  std::size_t begun_ = 0;
  std::size_t read_since_pause_ = 0;
  std::uint64_t tunnel_received_ = 0;
  unsigned informational_ = 0;
  bool is_sending_ = false;
  bool owes_body_ = false;  // of a request that expects 100-continue
  bool told_to_close_ = false;
  bool is_over_ = false;  // the last answer that can come has come
  bool has_tunnel_ = false;
  bool saw_end_ = false;
  std::optional<std::uint64_t> unanswered_;
  Head last_head_;
  std::optional<TimePoint> closed_at_;
};

}  // namespace weir::sim
