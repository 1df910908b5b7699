#include "weir/net/connector.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "src/net/loop_impl.h"

namespace weir::net {
namespace {

// A Unix socket whose backlog is full says so at once instead of waiting; so we wait.
constexpr Duration kUnixRetry = std::chrono::milliseconds(10);

ConnectError error_of(int number) {
  switch (number) {
    case ECONNREFUSED:
    case ECONNRESET:  // it stood for a moment, and was broken before anybody looked
      return ConnectError::kRefused;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case EHOSTDOWN:
    case EAFNOSUPPORT:
    case ENOENT:
    case ENOTDIR:
    case EACCES:
    case EPERM:
      return ConnectError::kUnreachable;
    case ETIMEDOUT:
      return ConnectError::kTimedOut;
    case EADDRNOTAVAIL:
    case EAGAIN:
      return ConnectError::kNoLocalPort;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      return ConnectError::kNoDescriptors;
    default:
      return ConnectError::kOther;
  }
}

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;
};

// Endpoint::parse() keeps paths short enough.
SocketAddress address_of(const Endpoint& endpoint) {
  SocketAddress address;
  if (!endpoint.is_unix()) {
    address.length = endpoint.ip.to_sockaddr(address.storage);
    return address;
  }
  sockaddr_un un{};
  un.sun_family = AF_UNIX;
  std::size_t length = endpoint.unix_path.copy(un.sun_path, sizeof un.sun_path - 1);
  std::memcpy(&address.storage, &un, sizeof un);
  address.length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length + 1);
  return address;
}

// 0 (begun or done), or errno.
int try_connect(int fd, const SocketAddress& to) {
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&to.storage), to.length) == 0) return 0;
  return errno == EINPROGRESS || errno == EINTR ? 0 : errno;
}

}  // namespace

// The side node of a pending connect: token and state in one, owned by the caller.
class ConnectAttempt final : public PendingConnect {
 public:
  ConnectAttempt(StreamNode& node, const SocketAddress& to, ConnectObserver& observer)
      : node_(&node), observer_(observer), to_(to) {}
  ~ConnectAttempt() override {
    if (node_ != nullptr) node_->close();
  }

  void retry_later() { node_->loop().scheduler.arm(retry_, kUnixRetry); }
  void on_ready() {
    int problem = 0;
    socklen_t length = sizeof problem;
    getsockopt(node_->fd(), SOL_SOCKET, SO_ERROR, &problem, &length);
    if (problem != 0) return fail(problem);
    bool is_unix = to_.storage.ss_family == AF_UNIX;
    observer_.on_connected(std::exchange(node_, nullptr)->make_stream(is_unix));
  }

 private:
  void on_retry() {
    int problem = try_connect(node_->fd(), to_);
    if (problem == EAGAIN) return retry_later();
    if (problem != 0) return fail(problem);
    if (!node_->await_connect(this)) fail(ENOMEM);
  }
  void fail(int problem) {
    std::exchange(node_, nullptr)->close();
    observer_.on_connect_failed(error_of(problem));
  }

  StreamNode* node_;
  ConnectObserver& observer_;
  SocketAddress to_;
  Timer retry_{Timer::bind<&ConnectAttempt::on_retry>(this)};
};

void StreamNode::attempt_ready() { attempt_->on_ready(); }

Result<std::unique_ptr<PendingConnect>, ConnectError> LoopConnector::connect(
    const Endpoint& to, ConnectObserver& observer) {
  SocketAddress address = address_of(to);
  int fd = ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return Err{error_of(errno)};
  if (!to.is_unix()) {
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  int problem = try_connect(fd, address);
  bool is_full = to.is_unix() && problem == EAGAIN;
  if (problem != 0 && !is_full) {
    ::close(fd);
    return Err{error_of(problem)};
  }
  StreamNode* node = StreamNode::create(loop_, fd, StreamNode::Origin::kConnecting);
  auto attempt = std::make_unique<ConnectAttempt>(*node, address, observer);
  if (is_full) {
    attempt->retry_later();
  } else if (!node->await_connect(attempt.get())) {
    return Err{ConnectError::kNoDescriptors};
  }
  // Even when it stands already: no callback inside this call.
  return std::unique_ptr<PendingConnect>(std::move(attempt));
}

}  // namespace weir::net
