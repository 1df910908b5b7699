#pragma once
// For every state of an Exchange and each side: the one timer that runs, or why none is needed. The
// exchange arms by this table, a test walks it, the simulation checks it after every step (DESIGN
// §3).
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "weir/base/failure.h"

namespace weir::proxy {

enum class ExchangeState : std::uint8_t {
  kRouting,       // the head is here; within one event
  kHolding,       // no backend is usable yet, but some may be: waits for the first verdict
  kAcquiring,     // a backend was chosen, its connection is being made
  kBackingOff,    // every backend was tried; a short wait before the next attempt
  kAwaitingHead,  // the request is being sent or was sent
  kRelaying,      // the response's head went to the client
  kTunnelling,    // after a 101
  kReplying,      // an answer of weir's own is on its way
  kDone,
};
inline constexpr int kExchangeStateCount = 9;
std::string_view name_of(ExchangeState state);

// Steps that are legal; everything else is our own mistake.
bool is_legal(ExchangeState from, ExchangeState to);

// What a side is doing at the moment; with the state it picks the row.
enum class Activity : std::uint8_t {
  kNothing,  // nothing is expected of that side
  kConnecting,
  kWaiting,    // between attempts, or for a verdict
  kSending,    // that side sends: upload of the client, response of the backend
  kReceiving,  // bytes for that side are queued
  kThinking,   // the backend has the whole request and owes the head
  kPaused,     // weir itself holds that side back
  kBothWays,   // a tunnel
};

enum class ExchangeTimer : std::uint8_t {
  kNone,
  kClientBody,
  kClientWrite,  // run by the InboundConnection
  kConnect,      // run by the Waiter
  kHold,         // retry_window
  kBackoff,
  kBackendWrite,
  kResponseHead,
  kBackendBody,
  kTunnelIdle,  // run by the Exchange
};

struct TimerRow {
  ExchangeState state;
  Side side;
  Activity activity;
  ExchangeTimer timer;
  std::optional<Failure> failure;  // of the timer; none for kBackoff
  std::string_view why_none;       // of kNone
};
std::span<const TimerRow> timer_matrix();
// Null: that combination cannot be.
const TimerRow* find_timer(ExchangeState state, Side side, Activity activity);

}  // namespace weir::proxy
