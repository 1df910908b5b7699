#include "weir/net/listener.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <fstream>

#include "tests/unit/net/net_fixture.h"

namespace weir::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::string unix_path(std::string_view name) {
  return "/tmp/weir-" + std::to_string(getpid()) + "-" + std::string(name) + ".sock";
}

std::string error_of(const Endpoint& at) {
  Result<ListeningSocket> socket = ListeningSocket::open(at, {});
  REQUIRE_FALSE(socket.ok());
  return socket.error().message;
}

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

TEST_CASE("port 0 becomes a real one, and accepted sockets have TCP_NODELAY without asking") {
  TestLoop loop;
  ListeningSocket socket = listen_at(loopback());
  CHECK(socket.endpoint().ip.port() != 0);
  Peer peer = Peer::connect_to(socket.endpoint());
  int accepted = ::accept(socket.fd(), nullptr, nullptr);
  int is_set = 0;
  socklen_t length = sizeof is_set;
  CHECK(getsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &is_set, &length) == 0);
  CHECK(is_set != 0);
  ::close(accepted);
}

TEST_CASE("the any address of IPv6 takes IPv4 clients too, unless it is IPv6 only") {
  TestLoop loop;
  Endpoint any{IpAddress::v6({}, 0), {}};
  Result<ListeningSocket> both = ListeningSocket::open(any, {});
  if (!both.ok()) return;  // a machine without IPv6
  AcceptRecorder accepted(loop);
  Acceptor acceptor(loop, *both, accepted);
  Peer peer = Peer::connect_to(loopback(both->endpoint().ip.port()));
  CHECK(loop.run_until([&] { return !accepted.streams.empty(); }));
  CHECK(accepted.peer.ip_text() == "127.0.0.1");
  ListeningSocket only = listen_at(any, ListenOptions{.is_ipv6_only = true});
  ListeningSocket same_port = listen_at(loopback(only.endpoint().ip.port()));
}

TEST_CASE("errors name the address, the cause and a cure") {
  ListeningSocket socket = listen_at(loopback());
  CHECK(error_of(socket.endpoint()) == socket.endpoint().text() + ": address already in use");
  CHECK(error_of({IpAddress::v4(0xc0000201, 80), {}}) ==
        "192.0.2.1:80: no such address on this machine (ip address lists those that it has)");
  CHECK(error_of({{}, "/nonexistent/weir.sock"}) ==
        "unix:/nonexistent/weir.sock: no such directory");
}

TEST_CASE("deferred accept shows a client only when it has sent something") {
  TestLoop loop;
  ListeningSocket socket = listen_at(loopback(), ListenOptions{.defer_accept = seconds(1)});
  AcceptRecorder accepted(loop);
  Acceptor acceptor(loop, socket, accepted);
  Peer peer = Peer::connect_to(socket.endpoint());
  loop.turns_in(milliseconds(10));
  CHECK(accepted.streams.empty());
  peer.send("x");
  CHECK(loop.run_until([&] { return !accepted.streams.empty(); }));
}

TEST_CASE("the user at the other end of a unix socket is known, of TCP nobody is") {
  std::string path = unix_path("user");
  ListeningSocket named = listen_at(Endpoint{{}, path});
  Peer local = Peer::connect_to(named.endpoint());
  AcceptedSocket from_user(::accept(named.fd(), nullptr, nullptr), IpAddress());
  CHECK(from_user.peer_uid() == getuid());
  ListeningSocket port = listen_at(loopback());
  Peer remote = Peer::connect_to(port.endpoint());
  AcceptedSocket from_port(::accept(port.fd(), nullptr, nullptr), loopback(4711).ip);
  CHECK_FALSE(from_port.peer_uid().has_value());
}

TEST_CASE("a unix socket replaces a stale path, not a living or a foreign one") {
  std::string path = unix_path("listen");
  {
    ListeningSocket socket = listen_at({{}, path});
    struct stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0660);
    CHECK(error_of({{}, path}) == "unix:" + path + ": address already in use");
    CHECK(exists(path));
  }
  CHECK_FALSE(exists(path));

  int dead = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un un{};
  un.sun_family = AF_UNIX;
  path.copy(un.sun_path, sizeof un.sun_path - 1);
  REQUIRE(::bind(dead, reinterpret_cast<sockaddr*>(&un), sizeof un) == 0);
  ::close(dead);
  { ListeningSocket socket = listen_at({{}, path}); }
  CHECK_FALSE(exists(path));

  std::ofstream(path) << "precious";
  CHECK(error_of({{}, path}) == "unix:" + path + ": the path exists and is not a socket");
  CHECK(exists(path));
  ::unlink(path.c_str());
}

TEST_CASE("closing does not remove the path of a successor") {
  std::string path = unix_path("successor");
  auto old = std::make_unique<ListeningSocket>(listen_at({{}, path}));
  ::unlink(path.c_str());
  ListeningSocket successor = listen_at({{}, path});
  old.reset();
  CHECK(exists(path));
}

TEST_CASE("a socket moves, and acceptors outlive it") {
  TestLoop loop;
  AcceptRecorder accepted(loop);
  ListeningSocket first = listen_at(loopback());
  Endpoint at = first.endpoint();
  ListeningSocket second = std::move(first);
  first = listen_at(loopback());
  Acceptor acceptor(loop, second, accepted);
  { ListeningSocket gone = std::move(second); }
  Peer peer = Peer::connect_to(at);
  CHECK(loop.run_until([&] { return accepted.streams.size() == 1; }));
}

TEST_CASE("two acceptors of one socket share its clients") {
  TestLoop loop;
  ListeningSocket socket = listen_at(loopback());
  AcceptRecorder one(loop), two(loop);
  Acceptor first(loop, socket, one), second(loop, socket, two);
  std::vector<Peer> peers;
  for (int i = 0; i < 40; ++i) peers.push_back(Peer::connect_to(socket.endpoint()));
  CHECK(loop.run_until([&] { return one.streams.size() + two.streams.size() == 40; }));
  CHECK(!one.streams.empty());
  CHECK(!two.streams.empty());
}

TEST_CASE("a paused acceptor leaves clients in the queue") {
  TestLoop loop;
  ListeningSocket socket = listen_at(loopback());
  AcceptRecorder accepted(loop);
  Acceptor acceptor(loop, socket, accepted);
  accepted.hook = [&] { acceptor.pause(); };
  Peer a = Peer::connect_to(socket.endpoint());
  Peer b = Peer::connect_to(socket.endpoint());
  CHECK(loop.run_until([&] { return acceptor.is_paused(); }));
  CHECK(loop.turns_in(milliseconds(20)) < 5);
  CHECK(accepted.streams.size() == 1);
  acceptor.resume();
  CHECK_FALSE(acceptor.is_paused());
  CHECK(loop.run_until([&] { return accepted.streams.size() == 2; }));
}

TEST_CASE("an acceptor may be destroyed inside its callbacks") {
  TestLoop loop;
  ListeningSocket socket = listen_at(loopback());
  AcceptRecorder accepted(loop);
  auto acceptor = std::make_unique<Acceptor>(loop, socket, accepted);
  accepted.hook = [&] { acceptor.reset(); };
  Peer a = Peer::connect_to(socket.endpoint());
  Peer b = Peer::connect_to(socket.endpoint());
  SUBCASE("on_accept") {
    CHECK(loop.run_until([&] { return acceptor == nullptr; }));
    CHECK(accepted.streams.size() == 1);
  }
  SUBCASE("on_accept_blocked") {
    LowerDescriptorLimit limit;
    CHECK(loop.run_until([&] { return acceptor == nullptr; }));
    CHECK(accepted.blocked == 1);
  }
  loop.turns_in(milliseconds(5));
}

TEST_CASE("without descriptors accepting rests, says so, and recovers by itself") {
  TestLoop loop;
  ListeningSocket socket = listen_at(loopback());
  AcceptRecorder accepted(loop);
  Acceptor acceptor(loop, socket, accepted);
  Peer peer = Peer::connect_to(socket.endpoint());
  {
    LowerDescriptorLimit limit;
    CHECK(loop.run_until([&] { return accepted.blocked == 1; }));
    CHECK(accepted.reason == "too many open files (raise LimitNOFILE or ulimit -n)");
    CHECK(loop.turns_in(milliseconds(250)) < 12);
    CHECK(accepted.blocked == 1);
  }
  CHECK(loop.run_until([&] { return accepted.streams.size() == 1; }));
}

TEST_CASE("an acceptor that could not duplicate its socket says so and tries again") {
  TestLoop loop;
  ListeningSocket socket = listen_at(loopback());
  AcceptRecorder accepted(loop);
  std::unique_ptr<Acceptor> acceptor;
  Peer peer = Peer::connect_to(socket.endpoint());
  {
    LowerDescriptorLimit limit;
    acceptor = std::make_unique<Acceptor>(loop, socket, accepted);
    CHECK(accepted.blocked == 0);
    CHECK(loop.run_until([&] { return accepted.blocked == 1; }));
  }
  SUBCASE("destroyed meanwhile") {}
  SUBCASE("recovers") {
    CHECK(loop.run_until([&] { return accepted.streams.size() == 1; }));
  }
}

TEST_CASE("a last look takes all that is queued, and ends where nothing can be taken") {
  TestLoop loop;
  ListeningSocket socket = listen_at(loopback());
  AcceptRecorder accepted(loop);
  Acceptor acceptor(loop, socket, accepted);
  acceptor.pause();
  CHECK(acceptor.take_queued().empty());
  std::vector<Peer> peers;
  for (int i = 0; i < 40; ++i) peers.push_back(Peer::connect_to(socket.endpoint()));
  peers[7].reset();
  {
    LowerDescriptorLimit limit;
    CHECK(acceptor.take_queued().empty());
  }
  std::vector<AcceptedSocket> queued = acceptor.take_queued();
  CHECK(queued.size() == 40);
  CHECK(queued.front().peer().is_loopback());
  CHECK(acceptor.take_queued().empty());
  CHECK(accepted.streams.empty());
}

TEST_CASE("an accepted socket that nobody adopts is closed") {
  ListeningSocket socket = listen_at(loopback());
  Peer peer = Peer::connect_to(socket.endpoint());
  {
    AcceptedSocket accepted(::accept(socket.fd(), nullptr, nullptr), {});
    AcceptedSocket moved = std::move(accepted);
    AcceptedSocket other(-1, {});
    other = std::move(moved);
    CHECK(other.fd() >= 0);
  }
  CHECK(peer.try_read() == "");
}

}  // namespace
}  // namespace weir::net
