#pragma once
// The simulated network: makes links for clients, and is weir's Connector for backends. What a
// connect meets is decided by the host that listens (or does not) at the endpoint.
#include <array>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sim/chance.h"
#include "sim/link.h"
#include "sim/trace.h"
#include "sim/virtual_time.h"
#include "weir/net/connector.h"

namespace weir::sim {

// What happens to one attempt to connect.
struct Dial {
  enum class Fate : std::uint8_t { kAccepted, kFailsAtOnce, kFailsLater, kNeverEnds };
  Fate fate = Fate::kAccepted;
  net::ConnectError error = net::ConnectError::kRefused;
  Duration after = std::chrono::microseconds(100);
  Nature nature;
};

// Someone who listens.
class Host {
 public:
  virtual ~Host() = default;
  virtual Dial on_dial() = 0;
  virtual LinkUser& on_accepted(Link& link) = 0;
};

class Network final : public net::Connector {
 public:
  Network(EventQueue& events, Chance& chance, Trace& trace)
      : events_(events), chance_(chance), trace_(trace) {}

  // `host` outlives the network. Nobody at an endpoint: connects are refused.
  void listen(const Endpoint& at, Host& host) { hosts_[at.text()] = &host; }
  // A client's connection as weir's accept finds it.
  Link& dial_weir(const Nature& nature, LinkUser& user);

  Result<std::unique_ptr<net::PendingConnect>, net::ConnectError> connect(
      const Endpoint& to, net::ConnectObserver& observer) override;

  // Streams that weir holds, and those it left to flush in the background.
  std::size_t open_streams() const { return open_streams_[0] + open_streams_[1]; }
  std::size_t open_streams(Link::Maker maker) const {
    return open_streams_[static_cast<std::size_t>(maker)];
  }
  std::size_t lingering_streams() const { return lingering_streams_; }
  std::size_t pending_connects() const { return pending_connects_; }
  // The most that any one stream ever queued, and what all of them queue now.
  std::size_t worst_queue_bytes() const { return worst_queue_bytes_; }
  std::size_t queued_bytes() const { return queued_bytes_; }
  const std::vector<std::unique_ptr<Link>>& links() const { return links_; }

 private:
  friend class Link;
  friend class LinkStream;
  class Attempt;
  Link& make_link(Link::Maker maker, const Nature& nature, LinkUser* user);
  void note_queue(std::size_t before, std::size_t after);

  EventQueue& events_;
  Chance& chance_;
  Trace& trace_;
  std::map<std::string, Host*> hosts_;
  std::vector<std::unique_ptr<Link>> links_;
  std::array<std::size_t, 2> open_streams_{};  // by maker
  std::size_t lingering_streams_ = 0;
  std::size_t pending_connects_ = 0;
  std::size_t worst_queue_bytes_ = 0;
  std::size_t queued_bytes_ = 0;
};

}  // namespace weir::sim
