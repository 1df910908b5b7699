#include "weir/net/connector.h"

#include "tests/unit/net/net_fixture.h"

namespace weir::net {
namespace {

using std::chrono::milliseconds;

std::string unix_path(std::string_view name) {
  return "/tmp/weir-" + std::to_string(getpid()) + "-" + std::string(name) + ".sock";
}

// A port that nobody listens on.
Endpoint unused_port() { return listen_at(loopback()).endpoint(); }

TEST_CASE("a connection is made, told from the loop, and carries bytes both ways") {
  TestLoop loop;
  Endpoint at = loopback();
  SUBCASE("tcp") {}
  SUBCASE("unix") { at = {{}, unix_path("connect")}; }
  ListeningSocket socket = listen_at(at);
  AcceptRecorder accepted(loop);
  Acceptor acceptor(loop, socket, accepted);
  ConnectRecorder connected;
  auto pending = loop.connector().connect(socket.endpoint(), connected);
  REQUIRE(pending.ok());
  CHECK(connected.stream == nullptr);
  CHECK(loop.run_until([&] { return connected.stream && !accepted.streams.empty(); }));
  Recorder near, far;
  connected.stream->set_observer(&near);
  accepted.streams[0]->set_observer(&far);
  pending.value().reset();  // over: cancels nothing
  connected.stream->write("ping");
  CHECK(loop.run_until([&] { return far.received == "ping"; }));
  accepted.streams[0]->write("pong");
  CHECK(loop.run_until([&] { return near.received == "pong"; }));
  if (at.is_unix()) {
    CHECK_FALSE(connected.stream->acknowledged_bytes().has_value());
    CHECK(accepted.peer.is_unspecified());
  } else {
    CHECK(connected.stream->acknowledged_bytes() == 4);
    CHECK(accepted.peer.is_loopback());
    int is_set = 0;
    socklen_t length = sizeof is_set;
    Peer probe = Peer::connect_to(socket.endpoint());
    (void)probe;
    CHECK(getsockopt(socket.fd(), IPPROTO_TCP, TCP_NODELAY, &is_set, &length) == 0);
  }
  accepted.streams[0].reset();
  CHECK(loop.run_until([&] { return near.ends == 1; }));
  CHECK(loop.open_streams() == 1 + accepted.streams.size() - 1);
}

TEST_CASE("acknowledged bytes do not move when the peer had closed before the request") {
  TestLoop loop;
  ListeningSocket socket = listen_at(loopback());
  ConnectRecorder connected;
  auto pending = loop.connector().connect(socket.endpoint(), connected);
  REQUIRE(pending.ok());
  Peer peer(::accept(socket.fd(), nullptr, nullptr));
  CHECK(loop.run_until([&] { return connected.stream != nullptr; }));
  CHECK(connected.stream->acknowledged_bytes() == 0);
  peer.close();
  Recorder recorder;
  CHECK(connected.stream->write("request") == WriteResult::kOk);
  connected.stream->set_observer(&recorder);
  CHECK(loop.run_until([&] { return recorder.ends + recorder.errors > 0; }));
  CHECK(connected.stream->sent_bytes() == 7);
  CHECK(connected.stream->acknowledged_bytes() == 0);
}

TEST_CASE("a refused connection is told once, now or from the loop") {
  TestLoop loop;
  ConnectRecorder connected;
  auto pending = loop.connector().connect(unused_port(), connected);
  if (pending.ok()) {
    CHECK(loop.run_until([&] { return connected.error.has_value(); }));
    CHECK(connected.error == ConnectError::kRefused);
  } else {
    CHECK(pending.error() == ConnectError::kRefused);
  }
  CHECK(loop.open_streams() == 0);
}

TEST_CASE("the pending connect may be destroyed inside its callback") {
  TestLoop loop;
  ListeningSocket socket = listen_at(loopback());
  ConnectRecorder connected;
  auto pending = loop.connector().connect(socket.endpoint(), connected);
  REQUIRE(pending.ok());
  connected.hook = [&] {
    pending.value().reset();
    connected.stream.reset();
  };
  CHECK(loop.run_until([&] { return pending.value() == nullptr; }));
  CHECK(loop.open_streams() == 0);
}

TEST_CASE("destroying a pending connect cancels it") {
  TestLoop loop;
  ListeningSocket socket = listen_at(loopback());
  ConnectRecorder connected;
  {
    auto pending = loop.connector().connect(socket.endpoint(), connected);
    REQUIRE(pending.ok());
    CHECK(loop.open_streams() == 1);
  }
  CHECK(loop.open_streams() == 0);
  loop.turns_in(milliseconds(5));
  CHECK(connected.stream == nullptr);
  CHECK_FALSE(connected.error.has_value());
}

TEST_CASE("a unix path that is not there, or that nobody listens on") {
  TestLoop loop;
  ConnectRecorder connected;
  std::string path = unix_path("absent");
  auto absent = loop.connector().connect({{}, path}, connected);
  REQUIRE_FALSE(absent.ok());
  CHECK(absent.error() == ConnectError::kUnreachable);
  int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un un{};
  un.sun_family = AF_UNIX;
  path.copy(un.sun_path, sizeof un.sun_path - 1);
  REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&un), sizeof un) == 0);
  ::close(fd);
  auto dead = loop.connector().connect({{}, path}, connected);
  ::unlink(path.c_str());
  REQUIRE_FALSE(dead.ok());
  CHECK(dead.error() == ConnectError::kRefused);
}

TEST_CASE("a full unix backlog is waited for") {
  TestLoop loop;
  ListeningSocket socket = listen_at({{}, unix_path("full")}, ListenOptions{.backlog = 0});
  Peer first = Peer::connect_to(socket.endpoint());
  ConnectRecorder connected;
  auto pending = loop.connector().connect(socket.endpoint(), connected);
  REQUIRE(pending.ok());
  loop.turns_in(milliseconds(15));
  CHECK(connected.stream == nullptr);
  AcceptRecorder accepted(loop);
  Acceptor acceptor(loop, socket, accepted);
  CHECK(loop.run_until([&] { return connected.stream != nullptr; }));
}

TEST_CASE("a full unix backlog whose listener goes away is refused") {
  TestLoop loop;
  auto socket = std::make_unique<ListeningSocket>(
      listen_at({{}, unix_path("gone")}, ListenOptions{.backlog = 0}));
  Peer first = Peer::connect_to(socket->endpoint());
  ConnectRecorder connected;
  auto pending = loop.connector().connect(socket->endpoint(), connected);
  REQUIRE(pending.ok());
  socket.reset();
  CHECK(loop.run_until([&] { return connected.error.has_value(); }));
  CHECK(connected.error == ConnectError::kUnreachable);  // the path is gone with it
}

TEST_CASE("no descriptors and no route are told apart") {
  TestLoop loop;
  ConnectRecorder connected;
  {
    LowerDescriptorLimit limit;
    auto pending = loop.connector().connect(loopback(1), connected);
    REQUIRE_FALSE(pending.ok());
    CHECK(pending.error() == ConnectError::kNoDescriptors);
  }
  auto pending = loop.connector().connect({*IpAddress::parse("255.255.255.255", 1), {}}, connected);
  REQUIRE_FALSE(pending.ok());
  CHECK(pending.error() == ConnectError::kUnreachable);
}

}  // namespace
}  // namespace weir::net
