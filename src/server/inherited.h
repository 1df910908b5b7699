#pragma once
// Sockets that the service manager bound and passed (sd_listen_fds(3)): descriptors from 3 on, with
// names. They are taken in place of binding; the manager keeps its own copies, so that clients wait
// in the queue while weir restarts. Main thread, at start.
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/log.h"
#include "weir/config/config.h"
#include "weir/net/listener.h"

namespace weir::server {

class InheritedSockets {
 public:
  // One address of the configuration, and who has it: a listener's name, or "admin".
  struct Wanted {
    std::string owner;
    const config::BindAddress* bind;
  };

  // From $LISTEN_PID, $LISTEN_FDS and $LISTEN_FDNAMES, when they mean this process. What is no
  // listening stream socket is closed and said in the log, as is everything that goes unused.
  static InheritedSockets from_environment(Log& log);

  // Decides which descriptor serves which address. First by name (FileDescriptorName= is the
  // listener's name), where one with the very address comes before one with another, which is said;
  // then by address alone.
  void match(std::vector<Wanted> wanted, Log& log);
  // The socket that match() found for that very object, else a new one.
  Result<net::ListeningSocket> take_or_open(const config::BindAddress& bind,
                                            const net::ListenOptions& options);

 private:
  struct Passed {
    std::string name;
    net::ListeningSocket socket;
    const config::BindAddress* bind = nullptr;  // that it serves
  };
  struct Rule {
    bool by_name;
    bool by_address;
  };
  Passed* find(const Wanted& wanted, Rule rule);
  static void say_difference(const Wanted& wanted, const net::ListeningSocket& socket, Log& log);
  std::vector<Passed> passed_;
};

}  // namespace weir::server
