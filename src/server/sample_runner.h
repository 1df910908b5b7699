#pragma once
// A sample application inside weir demo: answers every request with a small page that says who
// answered and what it was asked. Lives on Control's loop.
#include <cstdint>
#include <string>
#include <unordered_map>

#include "weir/net/listener.h"
#include "weir/net/loop.h"
#include "weir/wire/context.h"
#include "weir/wire/inbound.h"

namespace weir::server {

class SampleRunner final : private wire::InboundOwner, private net::AcceptObserver {
 public:
  // Listens on a free port of 127.0.0.1.
  static Result<std::unique_ptr<SampleRunner>> open(net::Loop& loop, wire::Context& context,
                                                    std::string name);
  ~SampleRunner() override;
  const std::string& name() const { return name_; }
  std::string address() const { return socket_.endpoint().text(); }

 private:
  class Visit;  // one request
  SampleRunner(net::Loop& loop, wire::Context& context, std::string name,
               net::ListeningSocket socket);

  const wire::InboundSettings& inbound_settings() const override { return settings_; }
  bool wants_close(const wire::InboundConnection&) const override { return false; }
  void on_request(wire::InboundConnection& connection, const http::RequestHead& head) override;
  void on_refused(wire::InboundConnection&, Failure, std::string_view) override {}
  void on_closed(wire::InboundConnection& connection) override;
  void on_accept(net::AcceptedSocket socket) override;
  void on_accept_blocked(std::string_view) override {}

  struct Guest {
    std::unique_ptr<wire::InboundConnection> connection;
    std::unique_ptr<Visit> visit;
  };
  net::Loop& loop_;
  wire::Context& context_;
  std::string name_;
  net::ListeningSocket socket_;
  wire::InboundSettings settings_;
  net::Acceptor acceptor_;
  std::unordered_map<const wire::InboundConnection*, Guest> guests_;
};

}  // namespace weir::server
