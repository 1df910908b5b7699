// weir's side of a link: the net::Stream token, its queue, its lingering end. Mirrors what
// src/net/tcp_stream.cc and linger.cc make of real sockets.
#include <algorithm>

#include "sim/link.h"
#include "sim/network.h"
#include "weir/base/check.h"

namespace weir::sim {
namespace {

constexpr Duration kLinger = std::chrono::seconds(2);
constexpr Duration kFlushStall = std::chrono::seconds(10);
constexpr Duration kMaxFlush = std::chrono::seconds(60);

}  // namespace

class LinkStream final : public net::Stream {
 public:
  explicit LinkStream(Link& link) : link_(&link) { ++open_streams(link); }
  ~LinkStream() override {
    if (link_ != nullptr) leave().weir_close();
  }
  void set_observer(net::StreamObserver* observer) override {
    link_->observer_ = observer;
    link_->wake(link_->to_weir_, link_->delay());
  }
  net::WriteResult write(std::span<const std::string_view> slices) override {
    return link_->weir_write(slices);
  }
  std::size_t queued_bytes() const override { return link_->queue_.size(); }
  std::uint64_t sent_bytes() const override { return link_->to_actor_.written; }
  std::optional<std::uint64_t> acknowledged_bytes() const override {
    if (link_->nature_.hides_acknowledgements) return std::nullopt;
    return link_->to_actor_.acknowledged;
  }
  bool has_input_waiting() const override {
    const Link::Flow& flow = link_->to_weir_;
    return flow.arrived > 0 || (flow.end_arrived && !flow.end_was_read) ||
           (flow.reset_arrived && !flow.reset_was_read);
  }
  void end_writing() override { link_->weir_end_writing(); }
  void pause_reading(net::PauseReason reason) override {
    link_->pause_reasons_ |= static_cast<std::uint8_t>(reason);
  }
  void resume_reading(net::PauseReason reason) override {
    link_->pause_reasons_ &= static_cast<std::uint8_t>(~static_cast<unsigned>(reason));
    link_->weir_resume();
  }
  bool is_reading_paused() const override { return link_->pause_reasons_ != 0; }

 protected:
  void do_reset() override { leave().weir_reset(); }
  void do_finish() override { leave().weir_finish(); }

 private:
  static std::size_t& open_streams(Link& link) {
    return link.network_.open_streams_[static_cast<std::size_t>(link.maker_)];
  }
  Link& leave() {
    Link& link = *std::exchange(link_, nullptr);
    --open_streams(link);
    link.token_ = nullptr;
    link.observer_ = nullptr;
    return link;
  }
  Link* link_;
};

std::unique_ptr<net::Stream> Link::make_stream() {
  WEIR_CHECK(token_ == nullptr && !weir_is_closed_);
  auto stream = std::make_unique<LinkStream>(*this);
  token_ = stream.get();
  return stream;
}

net::WriteResult Link::weir_write(std::span<const std::string_view> slices) {
  Mark mark{offered_by_weir_, to_weir_.read, network_.events_.clock().now(), last_read_at_,
            weir_saw_end()};
  marks_.push_back(mark);
  if (weir_is_broken_ || weir_is_ending_) return net::WriteResult::kBroken;
  std::size_t before = queue_.size();
  for (std::string_view slice : slices) {
    queue_ += slice;
    offered_by_weir_ += slice.size();
  }
  // Only with nothing queued does the kernel get bytes directly; the rest waits for room.
  if (before == 0) flush_queue();
  network_.note_queue(before, queue_.size());
  return queue_.size() >= net::kHighMarkBytes ? net::WriteResult::kAboveMark
                                              : net::WriteResult::kOk;
}

// Moves what weir's kernel has room for from the queue to the wire.
void Link::flush_queue() {
  std::size_t room = nature_.window_bytes - std::min(nature_.window_bytes, to_actor_.pending());
  std::size_t count = std::min(room, queue_.size());
  if (count > 0) {
    to_actor_.bytes.append(queue_, 0, count);
    to_actor_.written += count;
    queue_.erase(0, count);
  }
  if (queue_.empty() && weir_is_ending_) to_actor_.has_end = true;
  move(to_actor_);
}

// Lets weir's kernel go on sending, in an event of its own.
void Link::pump() {
  if (queue_.empty() || weir_is_closed_) return;
  network_.events_.schedule(delay(), [this] {
    if (queue_.empty() || weir_is_closed_ || weir_is_broken_ || is_dead_) return;
    std::size_t before = queue_.size();
    if (actor_is_closed_) return move(to_actor_);
    flush_queue();
    network_.note_queue(before, queue_.size());
    bool has_moved = queue_.size() < before;
    if (is_lingering_) {
      if (queue_.empty()) return arm_linger(kLinger);
      if (has_moved && network_.events_.clock().now() < flush_until_) arm_linger(kFlushStall);
      return;
    }
    if (has_moved && observer_ != nullptr) observer_->on_write_progress(queue_.size());
  });
}

void Link::weir_end_writing() {
  if (weir_is_ending_) return;
  weir_is_ending_ = true;
  if (!queue_.empty() || weir_is_broken_) return;
  to_actor_.has_end = true;
  move(to_actor_);
}

void Link::weir_resume() {
  if (pause_reasons_ == 0) wake(to_weir_, std::chrono::microseconds(1));
}

// Told once; the queue goes nowhere any more.
void Link::fail_weir(net::StreamError error) {
  if (weir_failed_) return;
  weir_failed_ = weir_is_broken_ = true;
  network_.note_queue(queue_.size(), 0);
  queue_.clear();
  network_.trace_.note("link", id_, "broken for weir");
  if (observer_ != nullptr) observer_->on_stream_error(error);
}

void Link::read_for_weir() {
  if (weir_is_closed_ || weir_failed_) return;
  Flow& flow = to_weir_;
  if (flow.reset_arrived) weir_is_broken_ = true;
  if (is_lingering_) return discard_for_linger();
  if (observer_ == nullptr) return;
  bool is_paused = pause_reasons_ != 0;
  // An end that came before a reset is still read as an end.
  bool has_end = flow.end_arrived && !flow.end_was_read;
  // While paused only a write can notice a reset; after the end, the poll does.
  bool notices_reset =
      is_paused ? !queue_.empty() || flow.end_was_read || observer_->hears_reset_while_paused()
                : flow.arrived == 0 && !has_end;
  if (flow.reset_arrived && notices_reset) {
    flow.reset_was_read = true;
    return fail_weir(net::StreamError::kReset);
  }
  if (is_paused) {
    if (!has_end || told_end_) return;
    told_end_ = true;
    return observer_->on_end_waiting();
  }
  if (flow.arrived > 0) {
    std::size_t budget = std::clamp<std::size_t>(observer_->read_budget(), 1, net::kHighMarkBytes);
    std::string bytes = take(flow, std::min(flow.arrived, budget));
    last_read_at_ = network_.events_.clock().now();
    read_marks_.push_back({to_weir_.read, to_actor_.written});
    if (flow.arrived > 0 || flow.end_arrived || flow.reset_arrived)
      wake(flow, std::chrono::microseconds(1));
    return observer_->on_read(bytes);
  }
  if (has_end) {
    flow.end_was_read = true;
    network_.trace_.note("link", id_, "end seen by weir");
    if (flow.reset_arrived) wake(flow, std::chrono::microseconds(1));
    return observer_->on_read_end();
  }
}

void Link::weir_close() {
  if (weir_is_closed_) return;
  network_.trace_.note("link", id_, "closed by weir", queue_.size());
  network_.note_queue(queue_.size(), 0);
  queue_.clear();
  weir_is_closed_ = true;
  if (is_lingering_) --network_.lingering_streams_;
  is_lingering_ = false;
  if (weir_is_broken_) return;
  if (to_weir_.arrived > 0) return send_reset(to_actor_, to_weir_);
  to_actor_.has_end = true;
  move(to_actor_);
  move(to_weir_);
}

void Link::weir_reset() {
  network_.trace_.note("link", id_, "reset by weir", queue_.size());
  network_.note_queue(queue_.size(), 0);
  queue_.clear();
  weir_is_closed_ = true;
  if (is_lingering_) --network_.lingering_streams_;
  is_lingering_ = false;
  if (!weir_is_broken_) send_reset(to_actor_, to_weir_);
}

void Link::weir_finish() {
  bool is_over = queue_.empty() && to_weir_.end_was_read;
  if (is_over || weir_is_broken_) return weir_close();
  network_.trace_.note("link", id_, "finished by weir", queue_.size());
  weir_end_writing();
  is_lingering_ = true;
  ++network_.lingering_streams_;
  pause_reasons_ = 0;
  flush_until_ = network_.events_.clock().now() + kMaxFlush;
  arm_linger(queue_.empty() ? kLinger : kFlushStall);
  wake(to_weir_, std::chrono::microseconds(1));
}

void Link::arm_linger(Duration after) {
  network_.events_.schedule(after, [this, generation = ++linger_generation_] {
    if (!is_lingering_ || generation != linger_generation_) return;
    // An answer that the peer did not take in time must not look complete.
    queue_.empty() ? weir_close() : weir_reset();
  });
}

void Link::discard_for_linger() {
  if (to_weir_.arrived > 0) take(to_weir_, to_weir_.arrived);
  if (to_weir_.end_arrived) to_weir_.end_was_read = true;
  if (weir_is_broken_ || (queue_.empty() && to_weir_.end_was_read)) weir_close();
}

}  // namespace weir::sim
