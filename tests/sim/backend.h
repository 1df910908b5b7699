#pragma once
// A backend: listens at an endpoint and answers what comes as it is told to, well or badly. What to
// do with each request and each connect is decided by two functions, which a scenario scripts and a
// story draws by chance.
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/ledger.h"
#include "sim/link.h"
#include "sim/message.h"
#include "sim/network.h"

namespace weir::sim {

// What becomes of one request.
struct Answer {
  enum class When : std::uint8_t { kAfterRequest, kAfterHead, kNever };
  enum class Cut : std::uint8_t { kNone, kClose, kReset, kSilence, kVanish };
  When when = When::kAfterRequest;
  Duration think = std::chrono::microseconds(100);
  int status = 200;
  BodyEnd body = BodyEnd::kLength;
  std::size_t body_bytes = 10;
  std::size_t chunk_bytes = 1000;
  int minor_version = 1;
  unsigned informational = 0;  // 103s first
  bool continues = true;       // sends 100 when asked to
  bool keeps_alive = true;
  std::optional<unsigned> keep_alive_seconds;  // announced
  std::size_t piece_bytes = 0;                 // written at once; 0 = all
  Duration piece_delay{};
  Cut cut = Cut::kNone;    // what happens …
  std::size_t cut_at = 0;  // … when so many bytes of it were written
  std::string extra;       // written right behind it
  std::string trailers;    // whole lines
  std::string instead;     // no HTTP at all
  bool upgrades = false;   // 101
  std::size_t tunnel_bytes = 0;
  std::string extra_fields;  // whole lines
  // While the request comes: stops reading after so many bytes of its body, for so long or for
  // ever.
  std::optional<std::size_t> stalls_at;
  std::optional<Duration> stall;
  // … or closes or resets there.
  std::optional<std::size_t> leaves_at;
  Cut leaves_by = Cut::kClose;
};

// Where health checks ask; everything else is a client's request.
inline constexpr std::string_view kCheckPath = "/up";

class SimBackend final : public Host {
 public:
  SimBackend(EventQueue& events, Ledger& ledger, Trace& trace, unsigned number);
  ~SimBackend() override;

  std::function<Dial()> dials = [] { return Dial{}; };
  std::function<Answer(const Request&, const Attempt&)> decides =
      [](const Request&, const Attempt&) { return Answer{}; };
  // What a health check gets before the end of its connection; empty: silence.
  std::function<std::string()> checks = [] {
    return std::string("HTTP/1.1 200 Up\r\nContent-Length: 0\r\n\r\n");
  };
  // Closes connections that were idle for so long; weir is not told unless the answers do.
  std::optional<Duration> idle_limit;
  // Written on a connection that has been idle for a while.
  std::string idle_babble;
  Duration idle_babble_after = std::chrono::milliseconds(5);
  bool is_unix = false;

  std::size_t requests_seen() const { return requests_seen_; }
  std::size_t checks_seen() const { return checks_seen_; }
  std::size_t connections() const { return conns_.size(); }
  std::size_t open_connections() const;
  // Closes every idle connection, as a restart does; nobody is idle in the middle of something.
  void close_idle();

 private:
  class Conn;
  Dial on_dial() override { return dials(); }
  LinkUser& on_accepted(Link& link) override;

  EventQueue& events_;
  Ledger& ledger_;
  Trace& trace_;
  unsigned number_;
  std::vector<std::unique_ptr<Conn>> conns_;
  std::size_t requests_seen_ = 0;
  std::size_t checks_seen_ = 0;
  bool told_idle_limit_ = false;
};

}  // namespace weir::sim
