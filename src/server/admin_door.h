#pragma once
// One of the admin interface's addresses: accepts on Control's loop.
#include <memory>
#include <string>

#include "weir/admin/admin_server.h"
#include "weir/base/log.h"
#include "weir/net/listener.h"
#include "weir/net/loop.h"

namespace weir::server {

class AdminDoor final : private net::AcceptObserver {
 public:
  // All of them outlive it, the socket excepted.
  AdminDoor(net::Loop& loop, Log& log, admin::AdminServer& server,
            const net::ListeningSocket& socket, admin::Door door)
      : loop_(loop), log_(log), server_(server), door_(door), acceptor_(loop, socket, *this) {}

 private:
  void on_accept(net::AcceptedSocket socket) override {
    admin::Arrival arrival{door_, socket.peer(), socket.peer_uid()};
    if (std::unique_ptr<net::Stream> stream = loop_.adopt(std::move(socket)))
      server_.accept(std::move(stream), arrival);
  }
  void on_accept_blocked(std::string_view reason) override {
    log_.warn("the admin interface cannot accept", {{"reason", std::string(reason)}});
  }
  net::Loop& loop_;
  Log& log_;
  admin::AdminServer& server_;
  admin::Door door_;
  net::Acceptor acceptor_;
};

}  // namespace weir::server
