#pragma once
// One simulated connection between weir and an actor: two kernels and the wire between them. Each
// direction carries bytes, then perhaps an end, perhaps a reset; what arrives how late and in which
// pieces is chance within the link's nature. weir holds its side as a net::Stream token with the
// very contract of net/stream.h; an actor uses the functions named after it. Owned by the Network
// until the run is over, so nothing here dangles.
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/chance.h"
#include "sim/trace.h"
#include "sim/virtual_time.h"
#include "weir/net/stream.h"

namespace weir::sim {

class Link;
class Network;
class LinkStream;

// How a connection behaves.
struct Nature {
  Duration min_delay = std::chrono::microseconds(20);
  Duration max_delay = std::chrono::microseconds(200);
  unsigned split_percent = 0;            // how often an arrival is only a part
  unsigned busy_percent = 0;             // how often weir's loop looks at one only later
  std::size_t window_bytes = 64 * 1024;  // of each receiving kernel
  bool hides_acknowledgements = false;   // a Unix socket
};

// An actor's side. Nothing here is called from inside a call of the actor's own.
class LinkUser {
 public:
  virtual ~LinkUser() = default;
  virtual void on_bytes(Link& link, std::string_view bytes) = 0;
  virtual void on_end(Link& link) = 0;
  virtual void on_reset(Link& link) = 0;
};

class Link {
 public:
  enum class Maker : std::uint8_t { kClient, kWeir };
  Link(Network& network, std::uint64_t id, Maker maker, const Nature& nature, LinkUser* user);

  // --- for the actor ---
  // Everything is taken; what the wire has no room for waits in the actor's kernel.
  void write(std::string_view bytes);
  void end_writing();
  // As close(2): an end, or a reset when unread bytes are there or come later.
  void close();
  void reset();
  void set_reading(bool reads);
  bool is_open() const { return !actor_is_closed_; }
  void set_user(LinkUser* user) { user_ = user; }
  // Cuts the wire: nothing moves any more, nobody is told.
  void die() { is_dead_ = true; }
  bool is_dead() const { return is_dead_; }

  // --- for the judge ---
  std::uint64_t id() const { return id_; }
  // Counted from the beginning of the connection.
  std::uint64_t read_by_weir() const { return to_weir_.read; }
  std::uint64_t written_by_actor() const { return to_weir_.written; }
  std::size_t queued_in_weir() const { return queue_.size(); }
  bool weir_saw_end() const { return to_weir_.end_was_read || to_weir_.reset_was_read; }
  // What weir had read when it wrote the byte at `offset` of its stream, and when that was.
  struct Mark {
    std::uint64_t offset;
    std::uint64_t read;
    TimePoint at;
    TimePoint last_read_at;
    bool saw_end;
  };
  Mark mark_at(std::uint64_t offset) const;
  // How much weir's kernel had taken when weir read the byte before `offset` of the actor's stream.
  std::uint64_t sent_when_read(std::uint64_t offset) const;
  std::unique_ptr<net::Stream> make_stream();

 private:
  friend class LinkStream;
  // What flows in one direction.
  struct Flow {
    std::string bytes;  // from `begin` on: taken from the writer, not yet read
    std::size_t begin = 0;
    std::size_t arrived = 0;  // of these, in the receiver's kernel
    std::uint64_t written = 0, acknowledged = 0, read = 0;
    bool has_end = false, end_arrived = false, end_was_read = false;
    bool has_reset = false, reset_arrived = false, reset_was_read = false;
    bool is_moving = false;  // an arrival is on its way
    bool is_waking = false;  // the receiver is about to look
    std::size_t pending() const { return bytes.size() - begin; }
    std::size_t on_wire() const { return pending() - arrived; }
  };

  // weir's side.
  net::WriteResult weir_write(std::span<const std::string_view> slices);
  void weir_end_writing();
  void weir_close();
  void weir_reset();
  void weir_finish();
  void weir_resume();
  void fail_weir(net::StreamError error);
  void read_for_weir();
  void pump();
  void flush_queue();
  void discard_for_linger();
  void arm_linger(Duration after);

  void move(Flow& flow);
  void arrive(Flow& flow);
  void wake(Flow& flow, Duration after);
  void read_for_actor();
  std::string take(Flow& flow, std::size_t count);
  void drop(Flow& flow);
  void send_reset(Flow& outgoing, Flow& incoming);
  void close_fully();
  bool is_receiver_gone(const Flow& flow) const;
  Duration delay();

  Network& network_;
  std::uint64_t id_;
  Maker maker_;
  Nature nature_;
  LinkUser* user_;
  Flow to_weir_;
  Flow to_actor_;

  LinkStream* token_ = nullptr;
  net::StreamObserver* observer_ = nullptr;
  std::string queue_;  // accepted from weir, not yet by its kernel
  std::uint64_t offered_by_weir_ = 0;
  std::vector<Mark> marks_;
  struct ReadMark {
    std::uint64_t read;
    std::uint64_t sent;
  };
  std::vector<ReadMark> read_marks_;
  TimePoint last_read_at_{};
  std::uint8_t pause_reasons_ = 0;
  bool weir_is_ending_ = false;
  bool weir_is_broken_ = false;
  bool weir_failed_ = false;  // told so
  bool weir_is_closed_ = false;
  bool told_end_ = false;
  bool is_lingering_ = false;
  std::uint64_t linger_generation_ = 0;
  TimePoint flush_until_{};

  bool actor_reads_ = true;
  bool actor_is_closed_ = false;
  bool is_dead_ = false;
};

}  // namespace weir::sim
