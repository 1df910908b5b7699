// The wire and the actor's side. weir's side is in link_stream.cc.
#include "sim/link.h"

#include <algorithm>

#include "sim/network.h"

namespace weir::sim {

Link::Link(Network& network, std::uint64_t id, Maker maker, const Nature& nature, LinkUser* user)
    : network_(network), id_(id), maker_(maker), nature_(nature), user_(user) {}

Duration Link::delay() { return network_.chance_.between(nature_.min_delay, nature_.max_delay); }

bool Link::is_receiver_gone(const Flow& flow) const {
  return &flow == &to_weir_ ? weir_is_closed_ : actor_is_closed_;
}

// Sees to it that what the flow still has to bring gets an arrival.
void Link::move(Flow& flow) {
  if (flow.is_moving || is_dead_) return;
  bool has_room = flow.arrived < nature_.window_bytes;
  bool has_news = (flow.has_end && !flow.end_arrived) || (flow.has_reset && !flow.reset_arrived);
  if (!(flow.on_wire() > 0 && (has_room || is_receiver_gone(flow))) &&
      !(flow.on_wire() == 0 && has_news))
    return;
  flow.is_moving = true;
  network_.events_.schedule(delay(), [this, &flow] {
    flow.is_moving = false;
    if (!is_dead_) arrive(flow);
  });
}

void Link::arrive(Flow& flow) {
  if (is_receiver_gone(flow)) {
    // Bytes for a closed socket are answered by a reset; an end is not.
    bool had_bytes = flow.on_wire() > 0;
    drop(flow);
    Flow& back = &flow == &to_weir_ ? to_actor_ : to_weir_;
    if (had_bytes && !back.has_reset && !flow.has_reset) {
      back.has_reset = true;
      move(back);
    }
    return;
  }
  std::size_t room = nature_.window_bytes - std::min(nature_.window_bytes, flow.arrived);
  std::size_t count = std::min(flow.on_wire(), room);
  if (count > 1 && network_.chance_.percent(nature_.split_percent)) {
    // Small pieces are where parsers break; large ones keep long bodies affordable.
    auto bound = static_cast<std::uint32_t>(count);
    count = 1 + network_.chance_.below(network_.chance_.percent(30) ? std::min(bound, 16u) : bound);
    count = std::min<std::size_t>(count, bound);
  }
  flow.arrived += count;
  flow.acknowledged += count;
  // The end may come with the last bytes or on its own.
  if (flow.on_wire() == 0 && (count == 0 || network_.chance_.percent(50))) {
    flow.end_arrived = flow.has_end;
    flow.reset_arrived = flow.has_reset;
  }
  if (flow.reset_arrived && &flow == &to_actor_) drop(to_weir_);
  move(flow);
  bool is_busy = &flow == &to_weir_ && network_.chance_.percent(nature_.busy_percent);
  wake(flow, is_busy ? delay() : Duration::zero());
}

// Lets the receiver look at what is there, in an event of its own.
void Link::wake(Flow& flow, Duration after) {
  if (flow.is_waking) return;
  if (after == Duration::zero()) {
    return &flow == &to_weir_ ? read_for_weir() : read_for_actor();
  }
  flow.is_waking = true;
  network_.events_.schedule(after, [this, &flow] {
    flow.is_waking = false;
    &flow == &to_weir_ ? read_for_weir() : read_for_actor();
  });
}

std::string Link::take(Flow& flow, std::size_t count) {
  std::string taken = flow.bytes.substr(flow.begin, count);
  flow.begin += count;
  flow.arrived -= count;
  flow.read += count;
  if (flow.begin == flow.bytes.size() || flow.begin > 64 * 1024) {
    flow.bytes.erase(0, flow.begin);
    flow.begin = 0;
  }
  move(flow);
  return taken;
}

void Link::drop(Flow& flow) {
  flow.bytes.clear();
  flow.begin = flow.arrived = 0;
}

void Link::read_for_actor() {
  if (actor_is_closed_ || user_ == nullptr) return;
  Flow& flow = to_actor_;
  if (flow.reset_arrived && !flow.reset_was_read && (!actor_reads_ || flow.arrived == 0)) {
    // An actor hears of a reset even while it does not read, as its writes would fail.
    flow.reset_was_read = true;
    actor_is_closed_ = true;
    network_.trace_.note("link", id_, "reset seen by actor");
    return user_->on_reset(*this);
  }
  if (!actor_reads_) return;
  if (flow.arrived > 0) {
    std::string bytes = take(flow, flow.arrived);
    if (flow.end_arrived || flow.reset_arrived) wake(flow, std::chrono::microseconds(1));
    pump();
    return user_->on_bytes(*this, bytes);
  }
  if (flow.end_arrived && !flow.end_was_read) {
    flow.end_was_read = true;
    network_.trace_.note("link", id_, "end seen by actor");
    return user_->on_end(*this);
  }
}

void Link::write(std::string_view bytes) {
  if (actor_is_closed_ || to_weir_.has_end || bytes.empty()) return;
  to_weir_.bytes += bytes;
  to_weir_.written += bytes.size();
  move(to_weir_);
}

void Link::end_writing() {
  if (actor_is_closed_) return;
  to_weir_.has_end = true;
  move(to_weir_);
}

void Link::close() {
  if (actor_is_closed_) return;
  if (to_actor_.arrived > 0) return reset();
  network_.trace_.note("link", id_, "closed by actor");
  actor_is_closed_ = true;
  to_weir_.has_end = true;
  move(to_weir_);
  // What weir's kernel still sends meets a closed socket.
  move(to_actor_);
  pump();
}

void Link::reset() {
  if (actor_is_closed_) return;
  network_.trace_.note("link", id_, "reset by actor");
  actor_is_closed_ = true;
  send_reset(to_weir_, to_actor_);
}

// A reset overtakes nothing, but what had not left the kernel is lost.
void Link::send_reset(Flow& outgoing, Flow& incoming) {
  std::size_t kept = network_.chance_.below(static_cast<std::uint32_t>(outgoing.on_wire()) + 1);
  outgoing.bytes.resize(outgoing.begin + outgoing.arrived + kept);
  outgoing.has_reset = true;
  outgoing.has_end = outgoing.end_arrived;
  drop(incoming);
  move(outgoing);
}

void Link::set_reading(bool reads) {
  actor_reads_ = reads;
  if (reads) wake(to_actor_, std::chrono::microseconds(1));
}

Link::Mark Link::mark_at(std::uint64_t offset) const {
  Mark found{};
  for (const Mark& mark : marks_) {
    if (mark.offset > offset) break;
    found = mark;
  }
  return found;
}

std::uint64_t Link::sent_when_read(std::uint64_t offset) const {
  for (const ReadMark& mark : read_marks_) {
    if (mark.read >= offset) return mark.sent;
  }
  return 0;
}

}  // namespace weir::sim
