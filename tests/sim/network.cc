#include "sim/network.h"

#include <algorithm>

#include "weir/base/check.h"

namespace weir::sim {

// One attempt to connect. Its events hold the state; the token, which weir may destroy at any time,
// only points at it.
class Network::Attempt final : public net::PendingConnect {
 public:
  struct State {
    Attempt* token;
    net::ConnectObserver* observer;
  };
  Attempt(Network& network, net::ConnectObserver& observer)
      : network_(network), state_(std::make_shared<State>(State{this, &observer})) {
    ++network_.pending_connects_;
  }
  ~Attempt() override {
    --network_.pending_connects_;
    state_->token = nullptr;
  }
  std::shared_ptr<State> state() const { return state_; }

 private:
  Network& network_;
  std::shared_ptr<State> state_;
};

Link& Network::make_link(Link::Maker maker, const Nature& nature, LinkUser* user) {
  links_.push_back(std::make_unique<Link>(*this, links_.size() + 1, maker, nature, user));
  return *links_.back();
}

Link& Network::dial_weir(const Nature& nature, LinkUser& user) {
  return make_link(Link::Maker::kClient, nature, &user);
}

Result<std::unique_ptr<net::PendingConnect>, net::ConnectError> Network::connect(
    const Endpoint& to, net::ConnectObserver& observer) {
  auto found = hosts_.find(to.text());
  Host* host = found == hosts_.end() ? nullptr : found->second;
  Dial dial;
  dial.fate = Dial::Fate::kFailsLater;
  if (host != nullptr) dial = host->on_dial();
  trace_.note("connect", links_.size() + 1, "fate", static_cast<std::uint64_t>(dial.fate),
              to.text());
  if (dial.fate == Dial::Fate::kFailsAtOnce) return Err{dial.error};
  auto attempt = std::make_unique<Attempt>(*this, observer);
  if (dial.fate == Dial::Fate::kNeverEnds)
    return std::unique_ptr<net::PendingConnect>(std::move(attempt));
  dial.nature.hides_acknowledgements = to.is_unix();
  events_.schedule(dial.after, [this, host, dial, state = attempt->state()] {
    if (state->token == nullptr) return;
    if (dial.fate == Dial::Fate::kFailsLater) return state->observer->on_connect_failed(dial.error);
    Link& link = make_link(Link::Maker::kWeir, dial.nature, nullptr);
    link.set_user(&host->on_accepted(link));
    state->observer->on_connected(link.make_stream());
  });
  return std::unique_ptr<net::PendingConnect>(std::move(attempt));
}

void Network::note_queue(std::size_t before, std::size_t after) {
  queued_bytes_ += after - before;
  worst_queue_bytes_ = std::max(worst_queue_bytes_, after);
}

}  // namespace weir::sim

// weir's own are beside libuv, which the simulation does without.
namespace weir::net {

void Stream::reset(std::unique_ptr<Stream> stream) {
  if (stream != nullptr) stream->do_reset();
}

void Stream::finish(std::unique_ptr<Stream> stream) {
  if (stream != nullptr) stream->do_finish();
}

}  // namespace weir::net
