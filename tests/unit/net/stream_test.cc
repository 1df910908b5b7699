#include "weir/net/stream.h"

#include "tests/unit/net/net_fixture.h"

namespace weir::net {
namespace {

using std::chrono::milliseconds;

// Writes until the kernel takes no more and more than the high mark is queued.
// Until the stream queues: kernels take tens of MiB from a peer that does not read.
WriteResult fill(Stream& stream, std::size_t* total = nullptr) {
  std::string block(32 * 1024, 'x');
  for (int i = 0; i < 16000; ++i) {
    WriteResult result = stream.write(block);
    if (total != nullptr) *total += block.size();
    if (result != WriteResult::kOk) return result;
  }
  return WriteResult::kOk;
}

TEST_CASE("bytes arrive, within the observer's budget") {
  Pair pair;
  pair.recorder.budget = 3;
  pair.peer.send("hello, weir");
  CHECK(pair.loop.run_until([&] { return pair.recorder.received == "hello, weir"; }));
  CHECK(pair.recorder.reads == 4);
}

TEST_CASE("slices leave in order, in one write") {
  Pair pair;
  std::vector<std::string_view> slices = {"a", "", "bc", "def"};
  for (int i = 0; i < 40; ++i) slices.push_back("-");
  CHECK(pair.stream->write(slices) == WriteResult::kOk);
  CHECK(pair.stream->sent_bytes() == 46);
  CHECK(pair.stream->queued_bytes() == 0);
  CHECK(pair.peer.try_read() == "abcdef" + std::string(40, '-'));
}

TEST_CASE("the end of the peer comes once, after its bytes, and does not spin") {
  Pair pair;
  pair.peer.send("last");
  pair.peer.shutdown();
  CHECK(pair.loop.run_until([&] { return pair.recorder.ends == 1; }));
  CHECK(pair.recorder.received == "last");
  CHECK(pair.loop.turns_in(milliseconds(30)) < 8);
  CHECK(pair.recorder.ends == 1);
  CHECK(pair.stream->write("answer") == WriteResult::kOk);
  CHECK(pair.peer.try_read() == "answer");
  pair.stream->end_writing();
  CHECK(pair.peer.try_read() == "");
  CHECK(pair.loop.turns_in(milliseconds(30)) < 8);  // EPOLLHUP now
  CHECK(pair.recorder.errors == 0);
}

TEST_CASE("a peer that half-closed and then goes away is noticed") {
  Pair pair;
  pair.peer.shutdown();
  CHECK(pair.loop.run_until([&] { return pair.recorder.ends == 1; }));
  pair.loop.turns_in(milliseconds(5));
  pair.peer.reset();
  CHECK(pair.loop.run_until([&] { return pair.recorder.errors == 1; }));
  CHECK(pair.recorder.error == StreamError::kReset);
  CHECK(pair.loop.turns_in(milliseconds(30)) < 8);
}

TEST_CASE("a reset comes once, after the bytes before it") {
  Pair pair;
  pair.recorder.budget = 2;
  pair.peer.send("abcde");
  pair.peer.reset();
  CHECK(pair.loop.run_until([&] { return pair.recorder.errors == 1; }));
  CHECK(pair.recorder.received == "abcde");
  CHECK(pair.recorder.error == StreamError::kReset);
  CHECK(pair.recorder.ends == 0);
  CHECK(pair.loop.turns_in(milliseconds(30)) < 8);
  CHECK(pair.recorder.errors == 1);
  CHECK(pair.stream->write("x") == WriteResult::kBroken);
}

TEST_CASE("bytes and an end that came while paused are delivered by resuming alone") {
  Pair pair;
  pair.recorder.budget = 4;
  pair.stream->pause_reading(PauseReason::kPeerFull);
  pair.peer.send("0123456789");
  pair.peer.shutdown();
  pair.loop.turns_in(milliseconds(10));
  CHECK(pair.recorder.reads == 0);
  pair.stream->resume_reading(PauseReason::kPeerFull);
  CHECK(pair.loop.run_until([&] { return pair.recorder.ends == 1; }));
  CHECK(pair.recorder.received == "0123456789");
  CHECK(pair.recorder.reads == 3);
}

TEST_CASE("bytes behind an urgent one are read without a further event") {
  Pair pair;
  pair.peer.send("before");
  REQUIRE(::send(pair.peer.fd(), "!", 1, MSG_OOB) == 1);
  pair.peer.send("behind");
  CHECK(pair.loop.run_until([&] { return pair.recorder.received == "beforebehind"; }));
  pair.peer.send("more");
  CHECK(pair.loop.run_until([&] { return pair.recorder.received == "beforebehindmore"; }));
  CHECK(pair.loop.turns_in(milliseconds(30)) < 8);
}

TEST_CASE("a stream that has more to read does not keep the others from their turn") {
  Pair busy;
  Recorder quiet;
  int fds[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
  Peer peer(fds[1]);
  auto stream = busy.loop.adopt(AcceptedSocket(fds[0], IpAddress()));
  stream->set_observer(&quiet);
  busy.recorder.budget = 1;
  busy.peer.send(std::string(1000, 'x'));
  CHECK(busy.loop.run_until([&] { return busy.recorder.reads > 10; }));
  peer.send("now");
  CHECK(busy.loop.run_until([&] { return quiet.reads == 1; }));
  CHECK(busy.recorder.reads < 1000);
  CHECK(busy.loop.run_until([&] { return busy.recorder.reads == 1000; }));
}

TEST_CASE("a stream destroyed by another one's event of the same turn hears nothing more") {
  Pair first;
  Recorder second;
  int fds[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
  Peer peer(fds[1]);
  auto stream = first.loop.adopt(AcceptedSocket(fds[0], IpAddress()));
  stream->set_observer(&second);
  // Whichever comes first destroys the other; both are ready in the same turn.
  first.recorder.hook = [&] { stream.reset(); };
  second.hook = [&] { first.stream.reset(); };
  first.peer.send("a");
  peer.send("b");
  first.loop.turns_in(milliseconds(10));
  CHECK(first.recorder.reads + second.reads == 1);
}

TEST_CASE("a paused stream reads nothing, keeps the bytes, and goes on when no reason is left") {
  Pair pair;
  pair.stream->pause_reading(PauseReason::kPeerFull);
  pair.stream->pause_reading(PauseReason::kPipelined);
  CHECK(pair.stream->is_reading_paused());
  pair.peer.send("kept");
  CHECK(pair.loop.turns_in(milliseconds(30)) < 8);
  CHECK(pair.recorder.received.empty());
  pair.stream->resume_reading(PauseReason::kPeerFull);
  pair.loop.turns_in(milliseconds(5));
  CHECK(pair.recorder.received.empty());
  pair.stream->resume_reading(PauseReason::kPipelined);
  CHECK(pair.loop.run_until([&] { return pair.recorder.received == "kept"; }));
}

TEST_CASE("a paused stream whose peer resets does not spin and tells it on resuming") {
  Pair pair;
  pair.stream->pause_reading(PauseReason::kPeerFull);
  pair.peer.send("before");
  pair.peer.reset();
  CHECK(pair.loop.turns_in(milliseconds(50)) < 8);
  CHECK(pair.recorder.errors == 0);
  pair.stream->resume_reading(PauseReason::kPeerFull);
  CHECK(pair.loop.run_until([&] { return pair.recorder.errors == 1; }));
  CHECK(pair.recorder.received == "before");
}

TEST_CASE("a paused stream whose observer wants to know is told of a reset at once") {
  Pair pair;
  struct Impatient : Recorder {
    bool hears_reset_while_paused() const override { return true; }
  } impatient;
  pair.stream->set_observer(&impatient);
  pair.stream->pause_reading(PauseReason::kPipelined);
  pair.peer.send("unread");
  pair.loop.turns_in(milliseconds(5));
  CHECK(impatient.errors == 0);
  pair.peer.reset();
  CHECK(pair.loop.run_until([&] { return impatient.errors == 1; }));
  CHECK(impatient.reads == 0);
  CHECK(pair.loop.turns_in(milliseconds(30)) < 8);
  CHECK(impatient.errors == 1);
}

TEST_CASE("a paused stream tells once that the peer's end waits behind unread bytes") {
  Pair pair;
  pair.stream->pause_reading(PauseReason::kPipelined);
  pair.peer.send("unread");
  CHECK(pair.loop.turns_in(milliseconds(5)) < 8);
  CHECK(pair.recorder.waiting_ends == 0);
  ::shutdown(pair.peer.fd(), SHUT_WR);
  CHECK(pair.loop.run_until([&] { return pair.recorder.waiting_ends == 1; }));
  CHECK(pair.loop.turns_in(milliseconds(30)) < 8);
  CHECK(pair.recorder.reads == 0);
  CHECK(pair.recorder.ends == 0);
  pair.stream->resume_reading(PauseReason::kPipelined);
  CHECK(pair.loop.run_until([&] { return pair.recorder.ends == 1; }));
  CHECK(pair.recorder.received == "unread");
  CHECK(pair.recorder.waiting_ends == 1);
}

TEST_CASE("a stream that pauses when the end is known already is told so too") {
  Pair pair;
  pair.recorder.budget = 3;
  pair.recorder.hook = [&] {
    if (pair.recorder.reads == 1) pair.stream->pause_reading(PauseReason::kPipelined);
  };
  pair.peer.send("unread");
  ::shutdown(pair.peer.fd(), SHUT_WR);
  CHECK(pair.loop.run_until([&] { return pair.recorder.waiting_ends == 1; }));
  CHECK(pair.recorder.received == "unr");
}

TEST_CASE("a read of a Unix socket that stops at a descriptor goes on behind it") {
  Pair pair;
  Recorder recorder;
  int fds[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
  Peer peer(fds[1]);
  for (const char* text : {"with", " it"}) {
    iovec part{const_cast<char*>(text), std::strlen(text)};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(rights), &fds[1], sizeof(int));
    REQUIRE(::sendmsg(peer.fd(), &message, 0) > 0);
  }
  auto stream = pair.loop.adopt(AcceptedSocket(fds[0], IpAddress()));
  stream->set_observer(&recorder);
  CHECK(pair.loop.run_until([&] { return recorder.received == "with it"; }));
}

TEST_CASE("pausing inside on_read holds the next bytes back") {
  Pair pair;
  pair.recorder.budget = 1;
  pair.recorder.hook = [&] { pair.stream->pause_reading(PauseReason::kPeerFull); };
  pair.peer.send("ab");
  CHECK(pair.loop.turns_in(milliseconds(30)) < 8);
  CHECK(pair.recorder.received == "a");
  pair.stream->resume_reading(PauseReason::kPeerFull);
  CHECK(pair.loop.run_until([&] { return pair.recorder.received == "ab"; }));
}

TEST_CASE("what a slow peer does not take is queued, marked, and flushed in order") {
  Pair pair;
  std::size_t total = 0;
  CHECK(fill(*pair.stream, &total) == WriteResult::kAboveMark);
  CHECK(pair.stream->queued_bytes() >= kHighMarkBytes);
  CHECK(pair.stream->sent_bytes() + pair.stream->queued_bytes() == total);
  pair.stream->write("END");
  pair.stream->end_writing();
  std::string received;
  bool is_over = pair.loop.run_until([&] {
    while (auto bytes = pair.peer.try_read()) {
      if (bytes->empty()) return true;
      received += *bytes;
    }
    return false;
  });
  CHECK(is_over);
  CHECK(received.size() == total + 3);
  CHECK(received.ends_with("xEND"));
  CHECK(pair.recorder.progresses > 0);
  CHECK(pair.recorder.last_queued == 0);
  CHECK(pair.loop.turns_in(milliseconds(30)) < 8);
}

TEST_CASE("reading and flushing take turns when both are always possible") {
  Pair pair;
  pair.recorder.budget = 1;
  fill(*pair.stream);
  pair.peer.send(std::string(64, 'i'));
  int progresses_at_half = 0;
  CHECK(pair.loop.run_until([&] {
    pair.peer.try_read();
    if (pair.stream->queued_bytes() == 0) fill(*pair.stream);
    if (pair.recorder.reads == 32) progresses_at_half = pair.recorder.progresses;
    return pair.recorder.reads == 64;
  }));
  CHECK(progresses_at_half > 0);
}

TEST_CASE("writing to a peer that is gone breaks, and its bytes are still read") {
  Pair pair;
  pair.stream->pause_reading(PauseReason::kPeerFull);
  pair.peer.send("response");
  pair.stream->write("request");
  pair.loop.turn();
  pair.peer.close();  // with unread input: a reset
  while (pair.stream->write("more") != WriteResult::kBroken) pair.loop.turn();
  CHECK(pair.stream->write("more") == WriteResult::kBroken);
  CHECK(pair.recorder.errors == 0);
  pair.stream->resume_reading(PauseReason::kPeerFull);
  // The failed send took the reset out of the socket: it must not look like an orderly end.
  CHECK(pair.loop.run_until([&] { return pair.recorder.errors == 1; }));
  CHECK(pair.recorder.received == "response");
  CHECK(pair.recorder.ends == 0);
}

TEST_CASE("a response before a refused upload is read to its orderly end") {
  Pair pair;
  pair.stream->pause_reading(PauseReason::kPeerFull);
  pair.peer.send("413");
  pair.peer.close();  // nothing unread: FIN, and a reset only in answer to what comes
  while (pair.stream->write("upload") != WriteResult::kBroken) pair.loop.turns_in(milliseconds(1));
  pair.stream->resume_reading(PauseReason::kPeerFull);
  CHECK(pair.loop.run_until([&] { return pair.recorder.ends + pair.recorder.errors == 1; }));
  CHECK(pair.recorder.ends == 1);
  CHECK(pair.recorder.received == "413");
}

TEST_CASE("a flush that fails is told even while reading is paused") {
  Pair pair;
  pair.stream->pause_reading(PauseReason::kPeerFull);
  fill(*pair.stream);
  pair.peer.reset();
  CHECK(pair.loop.run_until([&] { return pair.recorder.errors == 1; }));
  CHECK(pair.stream->queued_bytes() == 0);
  CHECK(pair.loop.turns_in(milliseconds(30)) < 8);
  CHECK(pair.recorder.errors == 1);
}

TEST_CASE("a flush that fails while nobody listens is told to the next observer") {
  Pair pair;
  fill(*pair.stream);
  pair.stream->set_observer(nullptr);
  pair.peer.reset();
  CHECK(pair.loop.run_until([&] { return pair.stream->queued_bytes() == 0; }));
  CHECK(pair.loop.turns_in(milliseconds(20)) < 8);
  pair.stream->set_observer(&pair.recorder);
  CHECK(pair.loop.run_until([&] { return pair.recorder.errors == 1; }));
  CHECK(pair.recorder.error == StreamError::kReset);
}

TEST_CASE("a flush that fails after the peer's end is told") {
  Pair pair;
  pair.peer.shutdown();
  CHECK(pair.loop.run_until([&] { return pair.recorder.ends == 1; }));
  fill(*pair.stream);
  pair.peer.close();
  CHECK(pair.loop.run_until([&] { return pair.recorder.errors == 1; }));
}

TEST_CASE("a stream may be destroyed inside each of its callbacks") {
  Pair pair;
  int* count = nullptr;
  pair.recorder.hook = [&] { pair.stream.reset(); };
  SUBCASE("on_read") {
    count = &pair.recorder.reads;
    pair.peer.send("x");
    pair.peer.send("y");
  }
  SUBCASE("on_read_end") {
    count = &pair.recorder.ends;
    pair.peer.shutdown();
  }
  SUBCASE("on_stream_error") {
    count = &pair.recorder.errors;
    pair.peer.reset();
  }
  SUBCASE("on_stream_error of a flush") {
    count = &pair.recorder.errors;
    pair.stream->pause_reading(PauseReason::kPeerFull);
    fill(*pair.stream);
    pair.peer.reset();
  }
  SUBCASE("on_write_progress") {
    count = &pair.recorder.progresses;
    fill(*pair.stream);
    pair.peer.try_read();
  }
  CHECK(pair.loop.run_until([&] {
    if (pair.peer.fd() >= 0) pair.peer.try_read();
    return *count == 1;
  }));
  CHECK(pair.stream == nullptr);
  CHECK(pair.loop.open_streams() == 0);
  pair.loop.turns_in(milliseconds(5));
  CHECK(*count == 1);
}

TEST_CASE("a stream may be finished and reset inside its callbacks") {
  Pair pair;
  pair.peer.send("x");
  SUBCASE("finish") {
    pair.recorder.hook = [&] { Stream::finish(std::move(pair.stream)); };
    CHECK(pair.loop.run_until([&] { return pair.peer.try_read() == ""; }));
    pair.peer.close();
  }
  SUBCASE("reset") {
    pair.recorder.hook = [&] { Stream::reset(std::move(pair.stream)); };
    CHECK(pair.loop.run_until([&] { return pair.peer.try_read() == "!"; }));
  }
  CHECK(pair.loop.run_until([&] { return pair.loop.open_streams() == 0; }));
}

TEST_CASE("destroying closes at once") {
  Pair pair;
  pair.stream.reset();
  CHECK(pair.loop.open_streams() == 0);
  CHECK(pair.peer.try_read() == "");
}

TEST_CASE("a finished stream flushes to a reading peer and lingers until its end") {
  Pair pair;
  std::size_t total = 0;
  fill(*pair.stream, &total);
  Stream::finish(std::move(pair.stream));
  CHECK(pair.loop.open_streams() == 1);
  pair.peer.send("ignored");
  std::size_t received = 0;
  CHECK(pair.loop.run_until([&] {
    while (auto bytes = pair.peer.try_read()) {
      if (bytes->empty()) return true;
      received += bytes->size();
    }
    return false;
  }));
  CHECK(received == total);
  CHECK(pair.loop.open_streams() == 1);
  CHECK(pair.loop.turns_in(milliseconds(30)) < 8);
  pair.peer.close();
  CHECK(pair.loop.run_until([&] { return pair.loop.open_streams() == 0; }));
}

TEST_CASE("a finished stream gives up on a silent peer after its linger time") {
  Pair pair;
  Scheduler& scheduler = pair.loop.scheduler();
  TimePoint start = scheduler.now();
  Stream::finish(std::move(pair.stream));
  CHECK(pair.peer.try_read() == "");
  scheduler.set_now(start + milliseconds(999));
  scheduler.run_timers();
  CHECK(pair.loop.open_streams() == 1);
  scheduler.set_now(start + milliseconds(1000));
  scheduler.run_timers();
  CHECK(pair.loop.open_streams() == 0);
}

// Sends until the stream is closed or nothing more is taken; how much that was.
std::size_t send_all(Pair& pair, std::size_t most) {
  std::string block(16 * 1024, 'x');
  std::size_t sent = 0;
  CHECK(pair.loop.run_until([&] {
    while (sent < most) {
      ssize_t count = ::send(pair.peer.fd(), block.data(), std::min(block.size(), most - sent),
                             MSG_NOSIGNAL | MSG_DONTWAIT);
      if (count < 0) break;
      sent += static_cast<std::size_t>(count);
    }
    return sent == most || pair.loop.open_streams() == 0;
  }));
  return sent;
}

TEST_CASE("a finished stream discards 256 KiB and no more") {
  Pair pair;
  pair.stream->write("413");
  Stream::finish(std::move(pair.stream));
  send_all(pair, 256 * 1024 - 1);
  pair.loop.turns_in(milliseconds(20));
  CHECK(pair.loop.open_streams() == 1);
  CHECK(pair.peer.try_read() == "413");
  send_all(pair, 64 * 1024 * 1024);
  CHECK(pair.loop.open_streams() == 0);
}

TEST_CASE("an upload that goes on does not cut the answer that a finished stream still flushes") {
  Pair pair;
  std::size_t total = 96 * 1024 * 1024;  // more than the kernel ever holds
  pair.stream->write(std::string(total, 'x'));
  Stream::finish(std::move(pair.stream));
  std::string block(16 * 1024, 'x');
  std::size_t sent = 0;
  for (int quiet = 0; quiet < 10; ++quiet) {
    pair.loop.turns_in(milliseconds(2));
    ssize_t count = 0;
    while ((count = ::send(pair.peer.fd(), block.data(), block.size(),
                           MSG_NOSIGNAL | MSG_DONTWAIT)) > 0) {
      sent += static_cast<std::size_t>(count);
      quiet = 0;
    }
    REQUIRE(sent < 64 * 1024 * 1024);
  }
  CHECK(sent >= 256 * 1024);
  CHECK(pair.loop.open_streams() == 1);
  CHECK(pair.loop.turns_in(milliseconds(30)) < 8);
  std::size_t received = 0;
  CHECK(pair.loop.run_until([&] {
    while (auto bytes = pair.peer.try_read()) {
      if (bytes->empty() || *bytes == "!") return true;
      received += bytes->size();
    }
    return false;
  }));
  CHECK(received == total);
  CHECK(pair.loop.run_until([&] { return pair.loop.open_streams() == 0; }));
}

TEST_CASE("a finished stream gives up on a peer that does not take its queue") {
  Pair pair;
  Scheduler& scheduler = pair.loop.scheduler();
  fill(*pair.stream);
  TimePoint start = scheduler.now();
  Stream::finish(std::move(pair.stream));
  scheduler.set_now(start + milliseconds(9000));
  scheduler.run_timers();
  CHECK(pair.loop.open_streams() == 1);
  scheduler.set_now(start + milliseconds(10000));
  scheduler.run_timers();
  CHECK(pair.loop.open_streams() == 0);
}

TEST_CASE("a finished stream whose peer has ended closes at once") {
  Pair pair;
  pair.peer.shutdown();
  CHECK(pair.loop.run_until([&] { return pair.recorder.ends == 1; }));
  Stream::finish(std::move(pair.stream));
  CHECK(pair.loop.open_streams() == 0);
}

TEST_CASE("a finished stream whose peer resets closes") {
  Pair pair;
  pair.stream->pause_reading(PauseReason::kPeerFull);
  fill(*pair.stream);
  Stream::finish(std::move(pair.stream));
  pair.peer.reset();
  CHECK(pair.loop.run_until([&] { return pair.loop.open_streams() == 0; }));
}

TEST_CASE("a loop closes what still lingers") {
  Pair pair;
  fill(*pair.stream);
  Stream::finish(std::move(pair.stream));
  CHECK(pair.loop.open_streams() == 1);
}

TEST_CASE("no more streams linger than the cap") {
  Pair pair;
  pair.loop.impl().lingering_count = Loop::Impl::kMaxLingering;
  Stream::finish(std::move(pair.stream));
  CHECK(pair.loop.open_streams() == 0);
  pair.loop.impl().lingering_count = 0;
}

TEST_CASE("acknowledged bytes are comparable with sent ones on the accepting side") {
  Pair pair;
  CHECK(pair.stream->acknowledged_bytes() == 0);
  pair.stream->write("12345");
  CHECK(pair.loop.run_until([&] {
    pair.loop.turns_in(milliseconds(1));
    return pair.stream->acknowledged_bytes() == 5;
  }));
  pair.stream->end_writing();
  pair.loop.turns_in(milliseconds(5));
  CHECK(pair.stream->acknowledged_bytes() == 5);
}

TEST_CASE("an idle stream is small") { CHECK(sizeof(StreamNode) <= 96); }

}  // namespace
}  // namespace weir::net
