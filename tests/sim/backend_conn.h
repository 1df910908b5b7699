#pragma once
// One connection of a SimBackend: requests in order, one at a time. Owned by the backend until the
// run is over.
#include "sim/backend.h"

namespace weir::sim {

class SimBackend::Conn final : public LinkUser, private MessageUser {
 public:
  Conn(SimBackend& owner, Link& link) : owner_(owner), link_(link) {}
  bool is_open() const { return link_.is_open(); }
  void close_if_idle();

 private:
  using Known = Ledger::IdlePolicy;
  void on_bytes(Link& link, std::string_view bytes) override;
  void on_end(Link& link) override;
  void on_reset(Link& link) override;
  BodyEnd on_message_head(const Head& head) override;
  void on_message_body(std::string_view bytes) override;
  void on_message_end() override;
  void on_raw(std::string_view bytes) override;
  void on_nonsense(const char* why) override;

  void answer_check();
  void prepare();
  void stall();
  void leave(Answer::Cut how);
  void begin_later();
  void begin();
  void compose();
  void compose_body();
  void send_piece();
  void finish(std::string_view rest);
  void become_idle();
  bool is_idle() const;
  Known known_idle() const;

  SimBackend& owner_;
  Link& link_;
  MessageReader reader_{*this};
  Attempt* attempt_ = nullptr;
  Answer answer_;
  std::string outbox_;
  std::size_t written_ = 0;
  std::uint64_t generation_ = 0;  // of scheduled steps: older ones do nothing
  std::uint64_t tunnel_received_ = 0;
  bool is_tunnel_ = false;
  bool tunnel_ended_ = false;
};

}  // namespace weir::sim
