#pragma once
// Listening: one socket per address, opened by Control without SO_REUSEPORT; every worker accepts
// from a duplicate of it (DESIGN §5). A stream socket's path is unlinked first if nobody answers it.
#include <functional>
#include <memory>
#include <string>

#include "weir/base/result.h"
#include "weir/base/time.h"
#include "weir/base/address.h"
#include "weir/net/loop.h"

namespace weir::net {

struct ListenOptions {
  bool is_ipv6_only = false;
  Duration defer_accept{};  // TCP_DEFER_ACCEPT; 0 = off
  int backlog = 4096;
};

// A bound and listening descriptor. Movable; closes on destruction. Any thread.
class ListeningSocket {
 public:
  // The error says the address and the cause in words ("127.0.0.1:80: permission denied (…)").
  static Result<ListeningSocket> open(const Endpoint& at, const ListenOptions& options);
  ListeningSocket(ListeningSocket&& other) noexcept;
  ListeningSocket& operator=(ListeningSocket&& other) noexcept;
  ~ListeningSocket();
  // With the real port where 0 was asked for.
  const Endpoint& endpoint() const { return endpoint_; }
  int fd() const { return fd_; }

 private:
  ListeningSocket(int fd, Endpoint endpoint) : fd_(fd), endpoint_(std::move(endpoint)) {}
  int fd_ = -1;
  Endpoint endpoint_;
};

class AcceptObserver {
 public:
  virtual ~AcceptObserver() = default;
  // A client; its reading is on. For Unix sockets `peer` is unspecified.
  virtual void on_accept(std::unique_ptr<Stream> stream, const IpAddress& peer) = 0;
  // accept4 failed for want of descriptors or memory; accepting goes on after a short pause by
  // itself. At most once a second.
  virtual void on_accept_blocked(std::string_view reason) = 0;
};

// Accepts from a duplicate of a listening socket on one loop, a bounded batch per turn.
class Acceptor {
 public:
  // `observer` outlives it.
  Acceptor(Loop& loop, const ListeningSocket& socket, AcceptObserver& observer);
  ~Acceptor();
  void pause();
  void resume();
  bool is_paused() const;

 private:
  struct Node;
  Node* node_;
};

}  // namespace weir::net
