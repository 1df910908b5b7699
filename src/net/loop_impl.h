#pragma once
// What the other files of net/ need of a Loop: libuv's loop, the turn's clock, the shared read
// buffer, the memory of stream nodes. Loop's thread, but for the mailbox.
#include <uv.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "src/net/background.h"
#include "src/net/poller.h"
#include "src/net/stream_node.h"
#include "weir/base/intrusive_list.h"
#include "weir/net/loop.h"

namespace weir::net {

// Makes TCP and Unix streams on one loop.
class LoopConnector final : public Connector {
 public:
  explicit LoopConnector(Loop::Impl& loop) : loop_(loop) {}
  Result<std::unique_ptr<PendingConnect>, ConnectError> connect(const Endpoint& to,
                                                                ConnectObserver& observer) override;

 private:
  Loop::Impl& loop_;
};

struct Loop::Impl {
  explicit Impl(const Clock& clock);
  ~Impl();

  // One turn: waits for events (no longer than until the next timer, `longest` or, when negative,
  // for ever), delivers them, runs what is due.
  void turn(Duration longest);
  // Around every event: see EventScope.
  void end_event() { scheduler.drain_retired(); }
  void refresh_time();

  // Raw memory of one StreamNode. Freed nodes are kept for reuse.
  void* allocate_node();
  void free_node(void* memory);

  void post(Task task);
  void run();
  void stop();
  bool prepare_background();
  void run_in_background(Task work, Task done);
  void end_background();
  void watch_signals(std::initializer_list<int> signals, std::function<void(int)> handler);

  static constexpr std::size_t kReadBufferBytes = kHighMarkBytes;
  static constexpr std::size_t kMaxLingering = 1024;

  uv_loop_t uv;
  Poller poller;
  Scheduler scheduler;
  LoopConnector connector{*this};
  std::unique_ptr<char[]> read_buffer;
  std::size_t open_streams = 0;
  std::size_t lingering_count = 0;
  IntrusiveList<Linger> lingering;
  std::atomic<std::int64_t> busy_ns{0};
  std::uint64_t turns = 0;  // for tests: what must not spin does not turn

 private:
  struct SignalWatch;
  // libuv's own descriptor: signals and the mailbox's wake-up.
  struct UvEvents final : Pollable {
    explicit UvEvents(uv_loop_t& loop) : uv(loop) {}
    void on_events(std::uint32_t) override { uv_run(&uv, UV_RUN_NOWAIT); }
    void on_deferred() override { uv_run(&uv, UV_RUN_NOWAIT); }
    void release() override {}
    uv_loop_t& uv;
  };
  static void on_mail(uv_async_t* handle);
  int milliseconds_to_wait(Duration longest) const;
  void run_due_timers(std::size_t events);
  void run_tasks();

  std::unique_ptr<BackgroundThread> background_;
  bool has_background_ended_ = false;
  UvEvents uv_events_{uv};
  uv_async_t mail_;
  std::atomic<bool> is_stopping_ = false;
  std::mutex mailbox_mutex_;
  std::vector<Task> mailbox_;
  std::vector<Task> delivered_;  // taken out of the mailbox, not yet run past next_task_
  std::size_t next_task_ = 0;
  std::vector<std::unique_ptr<SignalWatch>> signals_;
  std::vector<void*> free_nodes_;
};

// Every event starts with one: retired objects go when the event's stack is unwound. It touches the
// loop only, so the node may be destroyed in between.
class EventScope {
 public:
  explicit EventScope(Loop::Impl& loop) : loop_(loop) {}
  ~EventScope() { loop_.end_event(); }
  EventScope(const EventScope&) = delete;
  EventScope& operator=(const EventScope&) = delete;

 private:
  Loop::Impl& loop_;
};

}  // namespace weir::net
