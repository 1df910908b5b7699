#pragma once
// Everything that weir listens on, over reloads: the sockets, and the addresses by which
// connections know where they came in. Such a number stays as long as a connection has it, so a
// listener that a reload took away ends only when its last client has gone. Control's loop only.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "socket_plan.h"
#include "weir/config/config.h"
#include "weir/net/listener.h"
#include "weir/observe/series.h"
#include "weir/proxy/proxy.h"

namespace weir::server {

// Where workers accept clients.
struct BoundListener {
  std::uint32_t address = 0;  // index into proxy::Settings::listeners
  std::shared_ptr<net::ListeningSocket> socket;
};

// Where they accept no more.
struct ClosedListener {
  std::uint32_t address = 0;
  bool takes_queued = false;  // what the kernel has is taken first; not if another listener goes on
};

class Listeners {
 public:
  struct Socket {
    std::uint64_t id = 0;
    Claim claim;
    std::shared_ptr<net::ListeningSocket> socket;
    std::uint32_t address = 0;  // of Use::kClients
  };
  // What differs from before.
  struct Change {
    std::vector<BoundListener> opened;
    std::vector<ClosedListener> closed;
    // Of every use, for the log.
    struct Line {
      std::string listener;
      std::string address;
    };
    std::vector<Line> gained;
    std::vector<Line> lost;
    bool is_empty() const { return gained.empty() && lost.empty(); }
  };

  // For plan_sockets().
  std::vector<OpenSocket> open_sockets() const;
  // The plan, which has no problems, is how it is from now on. Of a socket that is not wanted any
  // more workers' duplicates are what is left. Clients of its address count on in `series`, until
  // the last of `workers` says that all have left.
  Change adopt(SocketPlan plan, observe::SeriesRegistry<observe::ListenerNumbers>& series,
               unsigned workers);
  // One more worker has no client of that closed address, and gets none. With the last one the
  // address is free, and a listener without any has no series any more.
  void on_left(std::uint32_t address, observe::SeriesRegistry<observe::ListenerNumbers>& series);
  // What workers have to know of each address.
  std::vector<proxy::ListenerSettings> settings(const config::Config& config);

  // In order of the configuration.
  const std::vector<Socket>& sockets() const { return sockets_; }
  std::vector<BoundListener> doors() const;
  // The end: clients are no longer listened for. Workers go on with what they have.
  void close_for_clients();

 private:
  struct Address {
    std::string listener;  // "": free
    std::uint16_t port = 0;
    http::TrustPolicy trust;
    std::shared_ptr<observe::ListenerSeries> series;
    unsigned workers_left = 0;  // that may have clients of it, once it is closed
  };
  std::uint32_t take_address(const Claim& claim, const Endpoint& endpoint,
                             observe::SeriesRegistry<observe::ListenerNumbers>& series);
  void lose(Socket socket, bool goes_on, unsigned workers, Change& change);

  std::vector<Socket> sockets_;
  std::vector<Socket> free_;  // passed by the service manager, which has them open anyway
  std::vector<Address> addresses_;
  std::uint64_t last_id_ = 0;
};

}  // namespace weir::server
