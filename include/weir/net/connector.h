#pragma once
// Makes outgoing connections. One loop, one thread. The simulation has its own.
#include <memory>

#include "weir/base/address.h"
#include "weir/base/result.h"
#include "weir/net/stream.h"

namespace weir::net {

enum class ConnectError : unsigned char {
  kRefused,        // nobody listens
  kUnreachable,    // no route, network down, a Unix path that is not there
  kTimedOut,       // the kernel's own timeout; weir's is the caller's timer
  kNoLocalPort,    // EADDRNOTAVAIL
  kNoDescriptors,  // EMFILE, ENFILE, and no kernel memory: ENOBUFS, ENOMEM
  kOther,
};

class ConnectObserver {
 public:
  virtual ~ConnectObserver() = default;
  // Exactly one of the two, never inside connect(). The pending connect is over and may be
  // destroyed.
  virtual void on_connected(std::unique_ptr<Stream> stream) = 0;
  virtual void on_connect_failed(ConnectError error) = 0;
};

// Destroying it cancels the attempt; no callback follows.
class PendingConnect {
 public:
  virtual ~PendingConnect() = default;
};

class Connector {
 public:
  virtual ~Connector() = default;
  // `observer` outlives the returned attempt. Errors that the kernel knows at once are returned.
  virtual Result<std::unique_ptr<PendingConnect>, ConnectError> connect(
      const Endpoint& to, ConnectObserver& observer) = 0;
};

}  // namespace weir::net
