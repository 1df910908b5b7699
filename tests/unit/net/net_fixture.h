#pragma once
// A real loop, plain blocking sockets as peers, and observers that write down what they hear. Tests
// turn the loop until something is true; nothing sleeps.
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "src/net/loop_impl.h"
#include "weir/net/listener.h"
#include "weir/net/loop.h"

namespace weir::net {

// A test that waits in vain ends here after 10 s.
class TestLoop : public Loop {
 public:
  TestLoop() : Loop(clock()) { scheduler().arm(watchdog_, std::chrono::seconds(10)); }
  ~TestLoop() { watchdog_.cancel(); }

  // Asks after every turn, and every millisecond: `is_true` may wait for what a peer's kernel does.
  bool run_until(const std::function<bool()>& is_true) {
    while (!is_true()) {
      if (is_late_) return false;
      impl().turn(std::chrono::milliseconds(1));
    }
    return true;
  }
  void turn() { impl().turn(Duration::zero()); }
  // How often the loop turns while nothing should happen.
  std::uint64_t turns_in(Duration duration) {
    Timer timer([](void*) {}, nullptr);
    std::uint64_t before = impl().turns;
    scheduler().arm(timer, duration);
    while (timer.is_armed()) impl().turn(Duration(-1));
    return impl().turns - before;
  }
  static const Clock& clock() {
    static const SystemClock system_clock;
    return system_clock;
  }

 private:
  bool is_late_ = false;
  Timer watchdog_{[](void* flag) { *static_cast<bool*>(flag) = true; }, &is_late_};
};

// A peer's blocking socket.
class Peer {
 public:
  explicit Peer(int fd = -1) : fd_(fd) {}
  Peer(Peer&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Peer& operator=(Peer&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Peer() { close(); }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  void reset() {
    linger at_once{1, 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close();
  }
  void send(std::string_view bytes) {
    CHECK(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
          static_cast<ssize_t>(bytes.size()));
  }
  void shutdown() { ::shutdown(fd_, SHUT_WR); }
  // What is there now; nullopt when nothing is, "" at the end, "!" after a reset.
  std::optional<std::string> try_read() {
    std::string bytes(256 * 1024, '\0');
    ssize_t count = ::recv(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (count < 0) return errno == EAGAIN ? std::nullopt : std::optional<std::string>("!");
    bytes.resize(static_cast<std::size_t>(count));
    return bytes;
  }
  int fd() const { return fd_; }

  static Peer connect_to(const Endpoint& to) {
    sockaddr_storage storage{};
    socklen_t length = 0;
    if (to.is_unix()) {
      sockaddr_un un{};
      un.sun_family = AF_UNIX;
      to.unix_path.copy(un.sun_path, sizeof un.sun_path - 1);
      std::memcpy(&storage, &un, sizeof un);
      length = sizeof un;
    } else {
      length = to.ip.to_sockaddr(storage);
    }
    int fd = ::socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(::connect(fd, reinterpret_cast<sockaddr*>(&storage), length) == 0);
    return Peer(fd);
  }

 private:
  int fd_;
};

// Hears a stream. `hook` runs at the end of every callback and may destroy the stream.
struct Recorder : StreamObserver {
  void on_read(std::string_view bytes) override {
    ++reads;
    received += bytes;
    if (hook) hook();
  }
  void on_read_end() override {
    ++ends;
    if (hook) hook();
  }
  void on_stream_error(StreamError what) override {
    ++errors;
    error = what;
    if (hook) hook();
  }
  void on_write_progress(std::size_t queued) override {
    ++progresses;
    last_queued = queued;
    if (hook) hook();
  }
  std::size_t read_budget() const override { return budget; }
  void on_end_waiting() override {
    ++waiting_ends;
    if (hook) hook();
  }

  std::string received;
  int waiting_ends = 0;
  int reads = 0;
  int ends = 0;
  int errors = 0;
  int progresses = 0;
  std::size_t last_queued = 0;
  std::size_t budget = kHighMarkBytes;
  std::optional<StreamError> error;
  std::function<void()> hook;
};

struct AcceptRecorder : AcceptObserver {
  explicit AcceptRecorder(Loop& on) : loop(on) {}
  void on_accept(AcceptedSocket socket) override {
    peer = socket.peer();
    streams.push_back(loop.adopt(std::move(socket)));
    if (hook) hook();
  }
  void on_accept_blocked(std::string_view why) override {
    ++blocked;
    reason = why;
    if (hook) hook();
  }
  Loop& loop;
  IpAddress peer;
  std::vector<std::unique_ptr<Stream>> streams;
  int blocked = 0;
  std::string reason;
  std::function<void()> hook;
};

struct ConnectRecorder : ConnectObserver {
  void on_connected(std::unique_ptr<Stream> connected) override {
    stream = std::move(connected);
    if (hook) hook();
  }
  void on_connect_failed(ConnectError what) override {
    error = what;
    if (hook) hook();
  }
  std::unique_ptr<Stream> stream;
  std::optional<ConnectError> error;
  std::function<void()> hook;
};

// While it lives, the process can open no more descriptors.
class LowerDescriptorLimit {
 public:
  LowerDescriptorLimit() {
    getrlimit(RLIMIT_NOFILE, &before_);
    int next = ::dup(0);
    ::close(next);
    rlimit limit{static_cast<rlim_t>(next), before_.rlim_max};
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  ~LowerDescriptorLimit() { setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

inline Endpoint loopback(std::uint16_t port = 0) { return {IpAddress::v4(0x7f000001, port), {}}; }

inline ListeningSocket listen_at(const Endpoint& at, const ListenOptions& options = {}) {
  Result<ListeningSocket> socket = ListeningSocket::open(at, options);
  REQUIRE(socket.ok());
  return std::move(socket).value();
}

// One established TCP connection: weir's stream, and the peer.
struct Pair {
  Pair() {
    ListeningSocket socket = listen_at(loopback());
    AcceptRecorder accepted(loop);
    Acceptor acceptor(loop, socket, accepted);
    peer = Peer::connect_to(socket.endpoint());
    REQUIRE(loop.run_until([&] { return !accepted.streams.empty(); }));
    stream = std::move(accepted.streams.front());
    stream->set_observer(&recorder);
  }
  TestLoop loop;
  Peer peer;
  Recorder recorder;
  std::unique_ptr<Stream> stream;
};

}  // namespace weir::net
