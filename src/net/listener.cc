#include "weir/net/listener.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string>

#include "src/net/loop_impl.h"

namespace weir::net {

AcceptedSocket::~AcceptedSocket() {
  if (fd_ >= 0) ::close(fd_);
}

AcceptedSocket& AcceptedSocket::operator=(AcceptedSocket&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(peer_, other.peer_);
  return *this;
}

std::optional<std::uint32_t> AcceptedSocket::peer_uid() const {
  if (!peer_.is_unspecified() || peer_.port() != 0) return std::nullopt;
  ucred credentials{};
  socklen_t length = sizeof credentials;
  if (::getsockopt(fd_, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0) return std::nullopt;
  return credentials.uid;
}

struct ListeningSocket::Descriptor {
  explicit Descriptor(int descriptor) : fd(descriptor) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { ::close(fd); }
  int fd;
  dev_t device = 0;  // of a Unix socket's path, to know it again
  ino_t inode = 0;
  bool is_inherited = false;
};

namespace {

std::string_view cause_of(int number) {
  switch (number) {
    case EADDRINUSE:
      return "address already in use";
    case EACCES:
      return "permission denied (ports below 1024 need CAP_NET_BIND_SERVICE: "
             "AmbientCapabilities=CAP_NET_BIND_SERVICE in the systemd unit, setcap "
             "cap_net_bind_service+ep on the binary, or a start as root)";
    case EADDRNOTAVAIL:
      return "no such address on this machine (ip address lists those that it has)";
    case EAFNOSUPPORT:
      return "this address family is switched off here (no IPv6? use an IPv4 address)";
    case EMFILE:
    case ENFILE:
      return "too many open files (raise LimitNOFILE or ulimit -n)";
    default:
      return strerrordesc_np(number);
  }
}

std::string_view cause_of_unix(int number) {
  switch (number) {
    case EACCES:
      return "permission denied (weir's user must be able to write to the directory)";
    case ENOENT:
      return "no such directory";
    default:
      return cause_of(number);
  }
}

Err<Error> error_at(const Endpoint& at, std::string_view cause) {
  return Err{Error{at.text() + ": " + std::string(cause)}};
}

void set_option(int fd, int level, int option, int value) {
  setsockopt(fd, level, option, &value, sizeof value);
}

sockaddr_un unix_address(const std::string& path) {
  sockaddr_un un{};
  un.sun_family = AF_UNIX;
  path.copy(un.sun_path, sizeof un.sun_path - 1);
  return un;
}

int option_of(int fd, int level, int option) {
  int value = 0;
  socklen_t length = sizeof value;
  return getsockopt(fd, level, option, &value, &length) == 0 ? value : -1;
}

void set_accept_options(int fd, const ListenOptions& options) {
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);  // accepted sockets inherit it
  auto seconds = std::chrono::ceil<std::chrono::seconds>(options.defer_accept);
  set_option(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, static_cast<int>(seconds.count()));
}

// 0, or errno.
int bind_ip(int fd, const IpAddress& ip, const ListenOptions& options) {
  set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (options.shares_port) set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
  if (ip.is_v6()) set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, options.is_ipv6_only ? 1 : 0);
  set_accept_options(fd, options);
  sockaddr_storage storage{};
  socklen_t length = ip.to_sockaddr(storage);
  return ::bind(fd, reinterpret_cast<const sockaddr*>(&storage), length) == 0 ? 0 : errno;
}

// Removes a socket that a dead process left. EADDRINUSE when somebody answers, or when the path is
// something else than a socket.
int remove_stale(const std::string& path, const sockaddr_un& address) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return errno == ENOENT ? 0 : errno;
  if (!S_ISSOCK(status.st_mode)) return EEXIST;
  int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (probe < 0) return errno;
  int result = ::connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  bool is_stale = result != 0 && errno == ECONNREFUSED;
  ::close(probe);
  if (!is_stale) return EADDRINUSE;
  return ::unlink(path.c_str()) == 0 ? 0 : errno;
}

int bind_unix(int fd, const std::string& path) {
  constexpr mode_t kMode = 0660;
  sockaddr_un address = unix_address(path);
  if (int problem = remove_stale(path, address); problem != 0) return problem;
  // Before bind, so that the path is never more open than this; after it, because umask took its
  // part.
  ::fchmod(fd, kMode);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return errno;
  return ::chmod(path.c_str(), kMode) == 0 ? 0 : errno;
}

}  // namespace

ListeningSocket::ListeningSocket(std::shared_ptr<Descriptor> descriptor, Endpoint endpoint)
    : descriptor_(std::move(descriptor)), endpoint_(std::move(endpoint)) {}

Result<ListeningSocket> ListeningSocket::open(const Endpoint& at, const ListenOptions& options) {
  auto cause = at.is_unix() ? cause_of_unix : cause_of;
  int family = at.is_unix() ? AF_UNIX : at.ip.is_v6() ? AF_INET6 : AF_INET;
  int fd = ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return error_at(at, cause(errno));
  auto descriptor = std::make_shared<Descriptor>(fd);
  int problem = at.is_unix() ? bind_unix(fd, at.unix_path) : bind_ip(fd, at.ip, options);
  if (problem == EEXIST) return error_at(at, "the path exists and is not a socket");
  if (problem != 0) return error_at(at, cause(problem));
  if (::listen(fd, options.backlog) != 0) return error_at(at, cause(errno));
  if (options.shares_port) set_option(fd, SOL_SOCKET, SO_REUSEPORT, 0);
  Endpoint endpoint = at;
  if (at.is_unix()) {
    struct stat status {};
    if (::stat(at.unix_path.c_str(), &status) != 0) return error_at(at, cause(errno));
    descriptor->device = status.st_dev;
    descriptor->inode = status.st_ino;
  } else {
    sockaddr_storage storage{};
    socklen_t length = sizeof storage;
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &length);
    endpoint.ip = at.ip.with_port(IpAddress::from_sockaddr(storage).port());
  }
  return ListeningSocket(std::move(descriptor), std::move(endpoint));
}

Result<ListeningSocket> ListeningSocket::inherit(int fd) {
  if (option_of(fd, SOL_SOCKET, SO_TYPE) != SOCK_STREAM)
    return Err{Error{"it is not a stream socket"}};
  if (option_of(fd, SOL_SOCKET, SO_ACCEPTCONN) != 1)
    return Err{Error{"it does not listen (Accept=yes passes connections; weir needs Accept=no)"}};
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &length);
  Endpoint endpoint;
  if (storage.ss_family == AF_UNIX) {
    const auto* un = reinterpret_cast<const sockaddr_un*>(&storage);
    if (un->sun_path[0] != '/') return Err{Error{"it is a Unix socket without a path"}};
    endpoint.unix_path = un->sun_path;
  } else if (storage.ss_family == AF_INET || storage.ss_family == AF_INET6) {
    endpoint.ip = IpAddress::from_sockaddr(storage);
  } else {
    return Err{Error{"it is neither an IP nor a Unix socket"}};
  }
  ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
  auto descriptor = std::make_shared<Descriptor>(fd);
  descriptor->is_inherited = true;
  return ListeningSocket(std::move(descriptor), std::move(endpoint));
}

void ListeningSocket::configure(const ListenOptions& options) {
  if (!endpoint_.is_unix()) set_accept_options(fd(), options);
  ::listen(fd(), options.backlog);
}

bool ListeningSocket::is_inherited() const { return descriptor_->is_inherited; }

bool ListeningSocket::is_ipv6_only() const {
  return option_of(fd(), IPPROTO_IPV6, IPV6_V6ONLY) == 1;
}

ListeningSocket& ListeningSocket::operator=(ListeningSocket&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(endpoint_, other.endpoint_);
  return *this;
}

ListeningSocket::~ListeningSocket() {
  if (descriptor_ != nullptr && endpoint_.is_unix()) remove_path();
}

// Not when another process has put its own socket there meanwhile, or was there first.
void ListeningSocket::remove_path() {
  if (descriptor_->is_inherited) return;
  struct stat status {};
  const char* path = endpoint_.unix_path.c_str();
  if (::lstat(path, &status) != 0) return;
  if (status.st_dev == descriptor_->device && status.st_ino == descriptor_->inode) ::unlink(path);
}

int ListeningSocket::fd() const { return descriptor_->fd; }

namespace {

constexpr int kAcceptsPerTurn = 16;
constexpr int kMaxDeadClients = 4096;  // a rule that refuses every accept gives no end of them
constexpr Duration kBlockedPause = std::chrono::milliseconds(100);
constexpr Duration kReportEvery = std::chrono::seconds(1);

enum class AcceptProblem { kNone, kOneClient, kBlocked };

// accept(2): errors of a connection that died in the queue come out of accept too.
AcceptProblem problem_of(int number) {
  switch (number) {
    case EAGAIN:
      return AcceptProblem::kNone;
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
    case ENOPROTOOPT:
    case EOPNOTSUPP:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENONET:
    case EPERM:
      return AcceptProblem::kOneClient;
    default:
      return AcceptProblem::kBlocked;
  }
}

}  // namespace

// Owned by the loop until its handle is closed.
struct Acceptor::Node final : private Pollable {
  Node(Loop::Impl& on, std::shared_ptr<ListeningSocket::Descriptor> from, AcceptObserver& to)
      : loop(on), observer(&to), source(std::move(from)) {}

  // Duplicates the socket if that is not done, and polls it. The error, or 0.
  int start();
  void stop() {
    if (is_watched) loop.poller.remove(fd);
    is_watched = false;
  }
  void close();
  void accept_batch();
  void block(int number);
  void on_retry();
  void on_events(std::uint32_t events) override;
  void release() override { delete this; }

  Loop::Impl& loop;
  AcceptObserver* observer;                             // null once closed
  std::shared_ptr<ListeningSocket::Descriptor> source;  // until it is duplicated
  int fd = -1;
  bool is_paused = false;
  bool is_watched = false;
  TimePoint next_report = TimePoint::min();
  Timer retry{Timer::bind<&Node::on_retry>(this)};
};

int Acceptor::Node::start() {
  if (fd < 0) {
    int duplicate = ::fcntl(source->fd, F_DUPFD_CLOEXEC, 0);
    if (duplicate < 0) return errno;
    fd = duplicate;
    source.reset();
  }
  if (is_watched) return 0;
  int problem = loop.poller.add(fd, EPOLLIN, *this);
  is_watched = problem == 0;
  return problem;
}

void Acceptor::Node::close() {
  observer = nullptr;
  retry.cancel();
  stop();
  if (fd >= 0) ::close(fd);
  loop.poller.retire(*this);
}

// What is the matter is for accept to say.
void Acceptor::Node::on_events(std::uint32_t) {
  EventScope event(loop);
  if (is_watched) accept_batch();
}

void Acceptor::Node::accept_batch() {
  // The observer may close or pause; the node itself stays until its close callback.
  for (int i = 0; i < kAcceptsPerTurn && observer != nullptr && !is_paused; ++i) {
    sockaddr_storage peer{};
    socklen_t length = sizeof peer;
    int client =
        ::accept4(fd, reinterpret_cast<sockaddr*>(&peer), &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (client >= 0) {
      observer->on_accept(AcceptedSocket(client, IpAddress::from_sockaddr(peer)));
      continue;
    }
    int number = errno;
    AcceptProblem problem = problem_of(number);
    if (problem == AcceptProblem::kNone) return;
    if (problem == AcceptProblem::kBlocked) return block(number);
  }
}

void Acceptor::Node::block(int number) {
  stop();
  loop.scheduler.arm(retry, kBlockedPause);
  TimePoint now = loop.scheduler.now();
  if (now < next_report) return;
  next_report = now + kReportEvery;
  observer->on_accept_blocked(cause_of(number));
}

void Acceptor::Node::on_retry() {
  if (is_paused) return;
  if (int problem = start(); problem != 0) block(problem);
}

Acceptor::Acceptor(Loop& loop, const ListeningSocket& socket, AcceptObserver& observer)
    : node_(new Node(loop.impl(), socket.descriptor_, observer)) {
  // A failure is told from the loop, not from here.
  if (node_->start() != 0) node_->loop.scheduler.arm(node_->retry, Duration::zero());
}

Acceptor::~Acceptor() { node_->close(); }

void Acceptor::pause() {
  node_->is_paused = true;
  node_->stop();
}

void Acceptor::resume() {
  if (!node_->is_paused) return;
  node_->is_paused = false;
  if (!node_->retry.is_armed()) node_->loop.scheduler.arm(node_->retry, Duration::zero());
}

bool Acceptor::is_paused() const { return node_->is_paused; }

void ListeningSocket::stop_deferring() {
  int off = 0;
  ::setsockopt(fd(), IPPROTO_TCP, TCP_DEFER_ACCEPT, &off, sizeof off);
}

void ListeningSocket::let_share(bool may_share) {
  if (!endpoint_.is_unix()) set_option(fd(), SOL_SOCKET, SO_REUSEPORT, may_share ? 1 : 0);
}

std::vector<AcceptedSocket> Acceptor::take_queued() {
  std::vector<AcceptedSocket> queued;
  int dead = 0;
  while (node_->fd >= 0 && dead < kMaxDeadClients) {
    sockaddr_storage peer{};
    socklen_t length = sizeof peer;
    int client = ::accept4(node_->fd, reinterpret_cast<sockaddr*>(&peer), &length,
                           SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (client >= 0) {
      queued.emplace_back(client, IpAddress::from_sockaddr(peer));
    } else if (problem_of(errno) == AcceptProblem::kOneClient) {
      ++dead;
    } else {
      break;  // nothing is left, or nothing can be taken: no descriptors, no memory
    }
  }
  return queued;
}

}  // namespace weir::net
