#pragma once
// Listening: one socket per address, opened by Control without SO_REUSEPORT; every worker accepts
// from a duplicate of it (DESIGN §5). A stream socket's path is unlinked first if nobody answers
// it.
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "weir/base/address.h"
#include "weir/base/result.h"
#include "weir/base/time.h"
#include "weir/net/loop.h"

namespace weir::net {

struct ListenOptions {
  bool is_ipv6_only = false;
  Duration defer_accept{};  // TCP_DEFER_ACCEPT; 0 = off
  int backlog = 4096;
  // May be bound beside sockets that are let_share() (SO_REUSEPORT while it is bound, not longer:
  // a steady second member would split clients between two sockets).
  bool shares_port = false;
};

// A bound and listening descriptor. Movable; closes on destruction, and removes the path of a Unix
// socket if that is still its own. Any thread.
class ListeningSocket {
 public:
  // The error says the address and the cause in words ("127.0.0.1:80: permission denied (…)").
  static Result<ListeningSocket> open(const Endpoint& at, const ListenOptions& options);
  // Takes over a socket that whoever started the process bound and listens on; configure() it. The
  // path of a Unix socket stays its creator's. The error says what the descriptor is instead; it is
  // left open then.
  static Result<ListeningSocket> inherit(int fd);
  // What open() does beside binding: options of accepting. `is_ipv6_only` stays as it is.
  void configure(const ListenOptions& options);
  ListeningSocket(ListeningSocket&& other) noexcept = default;
  ListeningSocket& operator=(ListeningSocket&& other) noexcept;
  ~ListeningSocket();
  // With the real port where 0 was asked for.
  const Endpoint& endpoint() const { return endpoint_; }
  int fd() const;
  bool is_inherited() const;
  // Of an IPv6 address: whether IPv4 is not served by it.
  bool is_ipv6_only() const;
  // From now on clients are queued without waiting for their first bytes.
  void stop_deferring();
  // Whether a socket that shares_port may be bound although this one has its port, as when an
  // address takes the place of another that covers it. The more specific one gets new clients.
  void let_share(bool may_share);

 private:
  friend class Acceptor;
  struct Descriptor;  // shared with acceptors that could not duplicate it yet
  ListeningSocket(std::shared_ptr<Descriptor> descriptor, Endpoint endpoint);
  void remove_path();
  std::shared_ptr<Descriptor> descriptor_;
  Endpoint endpoint_;
};

// A client's connection that no loop watches yet: Loop::adopt() makes a Stream of it, on this loop
// or, posted there, on another. Movable; closes on destruction. Any thread.
class AcceptedSocket {
 public:
  AcceptedSocket(int fd, const IpAddress& peer) : fd_(fd), peer_(peer) {}
  AcceptedSocket(AcceptedSocket&& other) noexcept : fd_(other.release()), peer_(other.peer_) {}
  AcceptedSocket& operator=(AcceptedSocket&& other) noexcept;
  ~AcceptedSocket();
  // Unspecified for Unix sockets.
  const IpAddress& peer() const { return peer_; }
  // The user at the other end of a Unix socket when it connected (SO_PEERCRED). A system call.
  std::optional<std::uint32_t> peer_uid() const;
  int fd() const { return fd_; }
  // Leaves the descriptor to the caller.
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
  IpAddress peer_;
};

class AcceptObserver {
 public:
  virtual ~AcceptObserver() = default;
  // A client. The acceptor may be paused or destroyed here.
  virtual void on_accept(AcceptedSocket socket) = 0;
  // accept4 failed for want of descriptors or memory; accepting goes on after a short pause by
  // itself. At most once a second. The acceptor may be paused or destroyed here.
  virtual void on_accept_blocked(std::string_view reason) = 0;
};

// Accepts from a duplicate of a listening socket on one loop, a bounded batch per turn. The socket
// itself may be closed while acceptors go on.
class Acceptor {
 public:
  // `observer` outlives it.
  Acceptor(Loop& loop, const ListeningSocket& socket, AcceptObserver& observer);
  ~Acceptor();
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;
  void pause();
  void resume();
  bool is_paused() const;
  // All that the kernel has queued at this moment, for the last look before closing.
  std::vector<AcceptedSocket> take_queued();

 private:
  struct Node;
  Node* node_;
};

}  // namespace weir::net
