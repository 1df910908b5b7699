#include "weir/proxy/timer_matrix.h"

#include <array>

namespace weir::proxy {

namespace {

using S = ExchangeState;
using A = Activity;
using T = ExchangeTimer;

constexpr std::string_view kOneEvent = "begins and ends within one event";
constexpr std::string_view kBackendBounds = "the backend's side has a timer";
constexpr std::string_view kClientBounds = "the client's side has a timer";
constexpr std::string_view kPausedByUs = "weir itself holds it back; the other side has a timer";
constexpr std::string_view kGone = "nothing is left to wait for";

constexpr TimerRow kRows[] = {
    {S::kRouting, Side::kClient, A::kNothing, T::kNone, {}, kOneEvent},
    {S::kRouting, Side::kClient, A::kSending, T::kNone, {}, kOneEvent},
    {S::kRouting, Side::kBackend, A::kNothing, T::kNone, {}, kOneEvent},

    {S::kHolding, Side::kClient, A::kNothing, T::kNone, {}, kBackendBounds},
    {S::kHolding, Side::kClient, A::kSending, T::kClientBody, Failure::client_body_timeout, {}},
    {S::kHolding, Side::kClient, A::kPaused, T::kNone, {}, kPausedByUs},
    {S::kHolding, Side::kBackend, A::kWaiting, T::kHold, Failure::no_usable_backend, {}},

    {S::kAcquiring, Side::kClient, A::kNothing, T::kNone, {}, kBackendBounds},
    {S::kAcquiring, Side::kClient, A::kSending, T::kClientBody, Failure::client_body_timeout, {}},
    {S::kAcquiring, Side::kClient, A::kPaused, T::kNone, {}, kPausedByUs},
    {S::kAcquiring, Side::kBackend, A::kConnecting, T::kConnect, Failure::connect_timeout, {}},

    {S::kBackingOff, Side::kClient, A::kNothing, T::kNone, {}, kBackendBounds},
    {S::kBackingOff, Side::kClient, A::kSending, T::kClientBody, Failure::client_body_timeout, {}},
    {S::kBackingOff, Side::kClient, A::kPaused, T::kNone, {}, kPausedByUs},
    {S::kBackingOff, Side::kBackend, A::kWaiting, T::kBackoff, {}, {}},

    {S::kAwaitingHead, Side::kClient, A::kNothing, T::kNone, {}, kBackendBounds},
    {S::kAwaitingHead,
     Side::kClient,
     A::kSending,
     T::kClientBody,
     Failure::client_body_timeout,
     {}},
    {S::kAwaitingHead, Side::kClient, A::kPaused, T::kNone, {}, kPausedByUs},
    {S::kAwaitingHead,
     Side::kClient,
     A::kReceiving,
     T::kClientWrite,
     Failure::client_write_timeout,
     {}},
    {S::kAwaitingHead,
     Side::kBackend,
     A::kReceiving,
     T::kBackendWrite,
     Failure::backend_write_timeout,
     {}},
    {S::kAwaitingHead,
     Side::kBackend,
     A::kThinking,
     T::kResponseHead,
     Failure::response_head_timeout,
     {}},
    {S::kAwaitingHead, Side::kBackend, A::kNothing, T::kNone, {}, kClientBounds},
    {S::kAwaitingHead, Side::kBackend, A::kPaused, T::kNone, {}, kPausedByUs},

    {S::kRelaying, Side::kClient, A::kNothing, T::kNone, {}, kBackendBounds},
    {S::kRelaying, Side::kClient, A::kSending, T::kClientBody, Failure::client_body_timeout, {}},
    {S::kRelaying, Side::kClient, A::kPaused, T::kNone, {}, kPausedByUs},
    {S::kRelaying,
     Side::kClient,
     A::kReceiving,
     T::kClientWrite,
     Failure::client_write_timeout,
     {}},
    {S::kRelaying, Side::kBackend, A::kSending, T::kBackendBody, Failure::backend_body_timeout, {}},
    {S::kRelaying, Side::kBackend, A::kPaused, T::kNone, {}, kPausedByUs},
    {S::kRelaying, Side::kBackend, A::kNothing, T::kNone, {}, kClientBounds},

    {S::kTunnelling, Side::kClient, A::kBothWays, T::kNone, {}, kBackendBounds},
    {S::kTunnelling,
     Side::kClient,
     A::kReceiving,
     T::kClientWrite,
     Failure::client_write_timeout,
     {}},
    {S::kTunnelling, Side::kClient, A::kPaused, T::kNone, {}, kPausedByUs},
    {S::kTunnelling,
     Side::kBackend,
     A::kBothWays,
     T::kTunnelIdle,
     Failure::tunnel_idle_timeout,
     {}},

    {S::kReplying, Side::kClient, A::kNothing, T::kNone, {}, kOneEvent},
    {S::kReplying,
     Side::kClient,
     A::kReceiving,
     T::kClientWrite,
     Failure::client_write_timeout,
     {}},
    {S::kReplying, Side::kClient, A::kSending, T::kNone, {}, "its upload is not waited for"},
    {S::kReplying, Side::kBackend, A::kNothing, T::kNone, {}, kGone},

    {S::kDone, Side::kClient, A::kNothing, T::kNone, {}, kGone},
    {S::kDone, Side::kBackend, A::kNothing, T::kNone, {}, kGone},
};

struct Step {
  S from, to;
};
constexpr Step kSteps[] = {
    {S::kRouting, S::kAcquiring},
    {S::kRouting, S::kAwaitingHead},
    {S::kRouting, S::kReplying},
    {S::kRouting, S::kDone},
    {S::kRouting, S::kHolding},
    {S::kHolding, S::kAcquiring},
    {S::kHolding, S::kAwaitingHead},
    {S::kHolding, S::kReplying},
    {S::kHolding, S::kDone},
    {S::kAcquiring, S::kAwaitingHead},
    {S::kAcquiring, S::kAcquiring},
    {S::kAcquiring, S::kBackingOff},
    {S::kAcquiring, S::kReplying},
    {S::kAcquiring, S::kDone},
    {S::kBackingOff, S::kAcquiring},
    {S::kBackingOff, S::kAwaitingHead},
    {S::kBackingOff, S::kReplying},
    {S::kBackingOff, S::kDone},
    {S::kAwaitingHead, S::kAcquiring},
    {S::kAwaitingHead, S::kAwaitingHead},
    {S::kAwaitingHead, S::kBackingOff},
    {S::kAwaitingHead, S::kRelaying},
    {S::kAwaitingHead, S::kTunnelling},
    {S::kAwaitingHead, S::kReplying},
    {S::kAwaitingHead, S::kDone},
    {S::kRelaying, S::kDone},
    {S::kTunnelling, S::kDone},
    {S::kReplying, S::kDone},
    // A backend that fails at once, inside the choice of the next one.
    {S::kRouting, S::kBackingOff},
    {S::kBackingOff, S::kBackingOff},
    {S::kHolding, S::kBackingOff},
    // Those that were usable went down meanwhile, and of another one nothing is known yet.
    {S::kAcquiring, S::kHolding},
    {S::kBackingOff, S::kHolding},
    {S::kAwaitingHead, S::kHolding},
};

}  // namespace

std::string_view name_of(ExchangeState state) {
  constexpr std::string_view kNames[kExchangeStateCount] = {
      "routing",  "holding",    "acquiring", "backing_off", "awaiting_head",
      "relaying", "tunnelling", "replying",  "done"};
  return kNames[static_cast<int>(state)];
}

bool is_legal(ExchangeState from, ExchangeState to) {
  static constexpr auto kNext = [] {
    std::array<unsigned, kExchangeStateCount> next{};
    for (const Step& step : kSteps)
      next[static_cast<std::size_t>(step.from)] |= 1u << static_cast<unsigned>(step.to);
    return next;
  }();
  return (kNext[static_cast<std::size_t>(from)] >> static_cast<unsigned>(to) & 1u) != 0;
}

std::span<const TimerRow> timer_matrix() { return kRows; }

// Every step and every change of activity asks, so the rows are found through a table.
const TimerRow* find_timer(ExchangeState state, Side side, Activity activity) {
  constexpr int kActivities = 8;
  using Table = std::array<const TimerRow*, kExchangeStateCount * 2 * kActivities>;
  constexpr auto index_of = [](ExchangeState s, Side d, Activity a) {
    return (static_cast<int>(s) * 2 + static_cast<int>(d)) * kActivities + static_cast<int>(a);
  };
  static const Table table = [&] {
    Table made{};
    for (const TimerRow& row : kRows)
      made[static_cast<std::size_t>(index_of(row.state, row.side, row.activity))] = &row;
    return made;
  }();
  return table[static_cast<std::size_t>(index_of(state, side, activity))];
}

}  // namespace weir::proxy
