// The simulated network by itself: the contract of net/stream.h and net/connector.h, which the
// results of everything else here rest on.
#include "sim/network.h"

#include <doctest/doctest.h>

#include <functional>
#include <string>

namespace weir::sim {
namespace {

// weir's side; keeps what it hears.
struct Listening : net::StreamObserver {
  void on_read(std::string_view bytes) override {
    received += bytes;
    ++reads;
    if (on_any_read) on_any_read();
  }
  void on_read_end() override { has_ended = true; }
  void on_stream_error(net::StreamError) override { has_failed = true; }
  void on_write_progress(std::size_t left) override {
    queued = left;
    ++progresses;
  }
  std::size_t read_budget() const override { return budget; }
  std::string received;
  std::size_t queued = 0;
  std::size_t budget = net::kHighMarkBytes;
  int reads = 0;
  int progresses = 0;
  bool has_ended = false;
  bool has_failed = false;
  std::function<void()> on_any_read;
};

struct Actor : LinkUser {
  void on_bytes(Link&, std::string_view bytes) override { received += bytes; }
  void on_end(Link&) override { has_ended = true; }
  void on_reset(Link&) override { was_reset = true; }
  std::string received;
  bool has_ended = false;
  bool was_reset = false;
};

struct Fixture {
  explicit Fixture(const Nature& nature = {}) : link(network.dial_weir(nature, actor)) {
    stream = link.make_stream();
    stream->set_observer(&weir);
  }
  void settle() {
    while (events.next()) events.run_next();
  }
  SimClock clock;
  EventQueue events{clock};
  Chance chance{std::uint64_t{7}};
  Trace trace{clock};
  Network network{events, chance, trace};
  Actor actor;
  Listening weir;
  Link& link;
  std::unique_ptr<net::Stream> stream;
};

}  // namespace

TEST_CASE("sim network: bytes come whole and in order through any split") {
  Nature nature;
  nature.split_percent = 90;
  nature.window_bytes = 700;
  Fixture f(nature);
  std::string up(20'000, 'u');
  std::string down(20'000, 'd');
  for (std::size_t i = 0; i < up.size(); ++i) up[i] = static_cast<char>('a' + i % 23);
  f.stream->write(up);
  f.link.write(down);
  CHECK(f.stream->queued_bytes() == up.size() - 700);
  f.settle();
  CHECK(f.actor.received == up);
  CHECK(f.weir.received == down);
  CHECK(f.weir.queued == 0);
  CHECK(f.weir.progresses > 1);
  CHECK(f.stream->sent_bytes() == up.size());
  CHECK(f.stream->acknowledged_bytes() == up.size());
}

TEST_CASE("sim network: nothing calls back before the call returns") {
  Fixture f;
  f.link.write("x");
  f.stream->write("y");
  CHECK(f.weir.reads == 0);
  CHECK(f.actor.received.empty());
}

TEST_CASE("sim network: a read delivers no more than the budget") {
  Fixture f;
  f.weir.budget = 3;
  f.link.write("0123456789");
  f.settle();
  CHECK(f.weir.reads == 4);
  CHECK(f.weir.received == "0123456789");
}

TEST_CASE("sim network: reading pauses by reasons and goes on when none is left") {
  Fixture f;
  f.stream->pause_reading(net::PauseReason::kPeerFull);
  f.stream->pause_reading(net::PauseReason::kPipelined);
  f.link.write("x");
  f.link.end_writing();
  f.settle();
  f.stream->resume_reading(net::PauseReason::kPeerFull);
  f.settle();
  CHECK(f.weir.reads == 0);
  f.stream->resume_reading(net::PauseReason::kPipelined);
  f.settle();
  CHECK(f.weir.received == "x");
  CHECK(f.weir.has_ended);
}

TEST_CASE("sim network: above its mark a stream says so, and keeps everything") {
  Nature nature;
  nature.window_bytes = 1'000;
  Fixture f(nature);
  f.link.set_reading(false);
  CHECK(f.stream->write(std::string(60'000, 'a')) == net::WriteResult::kOk);
  CHECK(f.stream->write(std::string(60'000, 'b')) == net::WriteResult::kAboveMark);
  f.settle();
  CHECK(f.stream->queued_bytes() == 119'000);
  f.link.set_reading(true);
  f.settle();
  CHECK(f.actor.received.size() == 120'000);
}

TEST_CASE("sim network: a reset comes after the readable bytes, writes are broken then") {
  Fixture f;
  f.link.write("last words");
  f.settle();
  f.link.reset();
  f.settle();
  CHECK(f.weir.received == "last words");
  CHECK(f.weir.has_failed);
  CHECK_FALSE(f.weir.has_ended);
  CHECK(f.stream->write("x") == net::WriteResult::kBroken);
}

TEST_CASE("sim network: bytes for a peer that closed are not acknowledged and end in a reset") {
  Fixture f;
  f.link.close();
  CHECK(f.stream->write("too late") == net::WriteResult::kOk);
  f.settle();
  CHECK(f.weir.has_ended);
  CHECK(f.stream->acknowledged_bytes() == 0);
  CHECK(f.weir.has_failed);
}

TEST_CASE("sim network: closing with unread bytes resets the peer") {
  Fixture f;
  f.stream->pause_reading(net::PauseReason::kPeerFull);
  f.link.write("unread");
  f.settle();
  f.stream.reset();
  f.settle();
  CHECK(f.actor.was_reset);
  CHECK(f.network.open_streams() == 0);
}

TEST_CASE("sim network: a stream may be destroyed inside its callback") {
  Fixture f;
  f.weir.on_any_read = [&] { f.stream.reset(); };
  f.link.write("x");
  f.link.end_writing();
  f.settle();
  CHECK(f.weir.reads == 1);
  CHECK_FALSE(f.weir.has_ended);
  CHECK(f.network.open_streams() == 0);
}

TEST_CASE("sim network: finish() flushes, ends, waits for the peer's end and closes") {
  Nature nature;
  nature.window_bytes = 1'000;
  Fixture f(nature);
  f.stream->write(std::string(5'000, 'a'));
  net::Stream::finish(std::move(f.stream));
  CHECK(f.network.open_streams() == 0);
  CHECK(f.network.lingering_streams() == 1);
  f.events.schedule(std::chrono::seconds(1), [&] { f.link.close(); });
  f.settle();
  CHECK(f.actor.received.size() == 5'000);
  CHECK(f.actor.has_ended);
  CHECK(f.network.lingering_streams() == 0);
}

TEST_CASE("sim network: a finished stream whose peer stays is closed by the linger's deadline") {
  Fixture f;
  f.stream->write("x");
  net::Stream::finish(std::move(f.stream));
  f.settle();
  CHECK(f.actor.received == "x");
  CHECK(f.network.lingering_streams() == 0);
}

TEST_CASE("sim network: a cancelled connect never calls back, a refused one once") {
  struct Connecting : net::ConnectObserver {
    void on_connected(std::unique_ptr<net::Stream>) override { ++connected; }
    void on_connect_failed(net::ConnectError) override { ++failed; }
    int connected = 0;
    int failed = 0;
  };
  Fixture f;
  Connecting cancelled;
  Connecting refused;
  Endpoint nobody{IpAddress::v4(1, 1), {}};
  auto first = f.network.connect(nobody, cancelled);
  auto second = f.network.connect(nobody, refused);
  REQUIRE(first.ok());
  CHECK(refused.failed == 0);
  *first = nullptr;
  f.settle();
  CHECK(cancelled.failed == 0);
  CHECK(refused.failed == 1);
  *second = nullptr;
  CHECK(f.network.pending_connects() == 0);
}

}  // namespace weir::sim
