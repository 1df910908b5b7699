#pragma once
// One event loop and its thread's clock, timers, mailbox and sockets. Each worker has one, Control
// (the main thread) has one. Everything but post() and stop() belongs to the loop's thread.
// libuv hides in here: nobody outside src/net holds a uv_* anything (DESIGN §4).
#include <functional>
#include <initializer_list>
#include <memory>

#include "weir/base/task.h"
#include "weir/base/time.h"
#include "weir/net/connector.h"
#include "weir/net/scheduler.h"
#include "weir/net/stream.h"

namespace weir::net {

class AcceptedSocket;

class Loop {
 public:
  explicit Loop(const Clock& clock);
  // All streams, listeners and watches made on it are gone by now; closes what lingers and checks
  // that nothing is left (DESIGN §4.10).
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  Scheduler& scheduler();
  Connector& connector();
  // Reading is on. Null when the kernel will not watch one more descriptor
  // (fs.epoll.max_user_watches, memory); the client is closed then.
  std::unique_ptr<Stream> adopt(AcceptedSocket socket);

  // Runs until stop(). Blocks.
  void run();
  // Any thread. run() returns after the events that are at hand; tasks behind the current one wait
  // for the next run().
  void stop();
  // Any thread. Runs `task` on the loop's thread, in order of posting. Tasks still queued when the
  // loop is destroyed are destroyed unrun.
  void post(Task task);

  // Loop's thread. Runs `work` on a background thread at low priority, then `done` on this loop.
  // One at a time, in order.
  void run_in_background(Task work, Task done);
  // Loop's thread. Makes the background thread now rather than at the first run_in_background(),
  // which has no way to say that the system gives no thread and aborts then. False: no thread.
  bool prepare_background();
  // Loop's thread. Waits for the running work and destroys what is queued behind it; no `done` runs
  // any more, and later calls of run_in_background() are ignored. For a user whose work uses what
  // is destroyed before the loop. A Loop's destructor does it otherwise.
  void end_background();

  // Calls `handler` on this loop whenever the process gets one of `signals`. Process-wide; on one
  // loop only.
  void watch_signals(std::initializer_list<int> signals, std::function<void(int)> handler);

  // Any thread. How long the loop has not been waiting, up to the turn before this one.
  Duration busy() const;

  // Descriptors of this loop's open streams (accepted and connected), lingering ones included.
  std::size_t open_streams() const;
  // Of these, streams whose owner has finished them: they end when the peer has closed, too.
  std::size_t lingering_streams() const;

  struct Impl;
  Impl& impl() { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace weir::net
