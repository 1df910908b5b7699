#pragma once
// HealthChecker runs active health checks, HTTP or TCP, each on a connection of its own. Who asks
// for the same check of the same address shares one probe: its pace, its results. What a result
// means for a pool is decided by who listens. Control's loop only; everything is passed in, so that
// the simulation runs the same code.
//
// The first check of a probe comes at once, all later ones with jitter; over all no more than
// kMaxPerSecond begin in a second: with more probes than that allows intervals stretch.
#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/address.h"
#include "weir/base/log.h"
#include "weir/base/rng.h"
#include "weir/base/time.h"
#include "weir/config/config.h"
#include "weir/net/connector.h"
#include "weir/net/timer.h"
#include "weir/wire/context.h"

namespace weir::backend {

// One finished check, as it is kept.
struct ProbeResult {
  enum class Outcome : std::uint8_t {
    kSuccess,
    kRefused,
    kUnreachable,
    kTimeoutConnecting,
    kTimeoutAwaiting,  // the response's head
    kTimeoutReading,   // its body
    kClosed,           // without an answer
    kBadResponse,
    kCut,
    kStatus,   // none of those expected
    kNoText,   // the body does not hold the text that it should
    kTooLong,  // its first 64 KiB do not
  };
  WallTime at{};
  std::string_view detail;  // a constant, of kBadResponse and kCut
  std::uint32_t latency_microseconds = 0;
  std::uint16_t status = 0;  // 0: none, or a TCP check
  Outcome outcome = Outcome::kSuccess;
  bool is_success() const { return outcome == Outcome::kSuccess; }
  Duration latency() const { return std::chrono::microseconds(latency_microseconds); }
};
// For people: "200", "connection refused", "timeout after 2s while connecting", "status 503,
// expected 200-399".
std::string reason_of(const ProbeResult& result, const config::HealthConfig& check);

// Whether checks are the same: all of them but rise and fall, which are each pool's own.
bool is_same_check(const config::HealthConfig& a, const config::HealthConfig& b);

class CheckListener {
 public:
  virtual ~CheckListener() = default;
  // A check is over. Subscriptions neither begin nor end inside.
  virtual void on_check(const ProbeResult& result) = 0;
};

class HealthChecker {
 public:
  static constexpr unsigned kMaxPerSecond = 2000;
  static constexpr std::size_t kKeptResults = 10;
  static constexpr std::size_t kMaxBodyBytes = 64 * 1024;

  // All outlive it. `max_running`: checks under way at once, a descriptor each.
  HealthChecker(wire::Context& context, net::Connector& connector, Rng& rng, Log& log,
                std::size_t max_running);
  // After all subscriptions.
  ~HealthChecker();

  class Probe;
  // A listener's interest in a probe. Movable; destroying it ends it, the last one of a probe ends
  // that and forgets its results.
  class Subscription {
   public:
    Subscription() = default;
    Subscription(Subscription&& other) noexcept;
    Subscription& operator=(Subscription&& other) noexcept;
    ~Subscription() { reset(); }
    void reset();
    bool is_held() const { return probe_ != nullptr; }
    const config::HealthConfig& check() const;
    // The last results, newest first.
    std::vector<ProbeResult> results() const;

   private:
    friend class HealthChecker;
    Probe* probe_ = nullptr;
    CheckListener* listener_ = nullptr;
  };
  // `listener` outlives the subscription.
  Subscription subscribe(const Endpoint& endpoint,
                         std::shared_ptr<const config::HealthConfig> check,
                         CheckListener& listener);

  // What the intervals ask for; more than kMaxPerSecond: they stretch.
  double wanted_per_second() const { return wanted_per_second_; }
  std::size_t probe_count() const { return probes_.size(); }
  // Checks under way, and of these the ones that are still connecting.
  std::size_t running_count() const { return running_; }
  std::size_t connecting_count() const { return connecting_; }
  std::uint64_t started_count() const { return started_; }
  // Every probe is under way or will be, and a timer runs for it; for the simulation.
  bool is_timed() const;

 private:
  class Run;
  struct Key {
    Endpoint endpoint;
    std::shared_ptr<const config::HealthConfig> check;
    bool operator<(const Key& other) const;
  };
  struct Due {
    TimePoint at;
    std::uint64_t number;  // of the probe: what is due at the same time goes in order
    Probe* probe;
    bool operator<(const Due& other) const {
      return at != other.at ? at < other.at : number < other.number;
    }
  };
  void on_timer();
  void start_due();
  void arm();
  void schedule(Probe& probe, Duration after);
  void unsubscribe(Probe& probe, CheckListener& listener);
  void on_done(Probe& probe, const ProbeResult& result);
  void on_impossible(Probe& probe, std::string_view reason);
  Duration next_delay(const Probe& probe);

  wire::Context& context_;
  net::Connector& connector_;
  Rng& rng_;
  Log& log_;
  std::size_t max_running_;
  std::map<Key, std::unique_ptr<Probe>> probes_;
  std::set<Due> due_;
  std::uint64_t last_number_ = 0;
  net::Timer timer_;
  // In thousandths of a check, as of refilled_at_.
  std::uint64_t allowance_ = 0;
  TimePoint refilled_at_{};
  std::size_t running_ = 0;
  std::size_t connecting_ = 0;
  std::uint64_t started_ = 0;
  double wanted_per_second_ = 0;
  TimePoint may_complain_at_{};
  bool is_telling_ = false;
};

}  // namespace weir::backend
