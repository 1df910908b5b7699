#pragma once
// One event loop on a thread of its own, with the proxy on it. Control makes workers, posts
// versions to them and ends them; everything else happens on the worker's thread. Clients arrive
// through duplicates of the shared listening sockets; a worker that has many more than another
// passes new ones on (DESIGN §5).
#include <atomic>
#include <functional>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "listeners.h"
#include "weir/base/log.h"
#include "weir/base/rng.h"
#include "weir/net/listener.h"
#include "weir/net/loop.h"
#include "weir/observe/access_log.h"
#include "weir/observe/metrics.h"
#include "weir/observe/series.h"
#include "weir/proxy/proxy.h"
#include "weir/table/build.h"
#include "weir/wire/context.h"

namespace weir::server {

// One version of what workers serve; Control holds what it points to until all have the next one.
struct WorkerVersion {
  std::shared_ptr<const proxy::Settings> settings;
  std::shared_ptr<const table::Tables> tables;
  observe::AccessLog* access_log = nullptr;  // none: off
};

class Worker;

// What workers know of each other. Lives as long as the longest worker.
struct WorkerGroup {
  std::atomic<std::uint64_t> open_clients{0};
  std::atomic<bool> has_said_full{false};
  std::atomic<std::int64_t> may_say_full_at{0};  // nanoseconds of the loops' clock
  std::atomic<std::uint64_t> max_clients{0};
  std::uint64_t max_streams = 0;  // sockets of all workers; beyond is the reserve
  std::unique_ptr<observe::SharedSeries> series;
  std::vector<std::unique_ptr<Worker>> workers;
};

class Worker {
 public:
  // `clock`, `log` and `group` outlive it.
  Worker(unsigned index, WorkerGroup& group, const Clock& clock, Log& log,
         std::size_t max_idle_backends, std::uint64_t seed);
  ~Worker();

  // --- Control's thread ---
  // Starts the thread. Clients are accepted from `listeners` once the first version is in place.
  void start(WorkerVersion version, const std::vector<BoundListener>& listeners);
  // Serves that version from the next event on, then runs `done` on the worker's thread.
  void publish(WorkerVersion version, Task done);
  // Accepts clients at further addresses, which every worker's version knows, and no more at those
  // that are closed; then runs `done` on the worker's thread.
  void change_doors(std::vector<BoundListener> opened, std::vector<ClosedListener> closed,
                    Task done);
  // Runs `done` on the worker's thread when it has no client that came to that address, where no
  // worker accepts any more.
  void when_left(std::uint32_t address, Task done);
  // Backends of these pools changed their standing.
  void look_again(std::shared_ptr<const std::vector<backend::PoolId>> pools);
  // Runs `answer` on the worker's thread when its loop gets to it: a sign of life.
  void ask(Task answer);
  // Drain, phase one: answers say Connection: close.
  void begin_drain();
  // Takes phase one back.
  void end_drain();
  // Phase two, in two steps, because workers pass clients on to each other. First: accepts what is
  // queued and closes the listeners; then `done` runs on the worker's thread.
  void close_doors(Task done);
  // Second: closes idle clients; runs `done` on the worker's thread when the last client is gone
  // and what was sent is out.
  void finish_drain(Task done);
  // The deadline: what is left is cut.
  void cut();
  // Ends the thread; cuts what is left.
  void stop();
  const observe::WorkerNumbers& numbers() const { return numbers_; }
  // Runs `done` on the worker's thread, behind everything that was asked of it before.
  void pass(Task done) { loop_.post(std::move(done)); }
  // Runs `done` on the worker's thread with the `most` oldest requests under way and the number of
  // all.
  using RequestsDone =
      std::function<void(std::vector<observe::RequestInFlight> requests, std::size_t count)>;
  void list_requests(std::size_t most, RequestsDone done);
  // Any thread.
  Duration busy() const { return loop_.busy(); }

 private:
  class Door;  // one listener's acceptor
  void take(net::AcceptedSocket socket, std::uint32_t address);
  void welcome(net::AcceptedSocket socket, std::uint32_t address);
  bool is_full();
  void count_streams();
  bool enter();
  void pause_doors();
  void on_reopen();
  void on_connection_closed();
  void welcome_late(net::AcceptedSocket socket, std::uint32_t address);
  void close_door(const ClosedListener& closed);
  void check_left();
  void check_drained();
  void serve(WorkerVersion version);
  void on_lag_timer();
  void write_access_line(const observe::RequestRecord& record);

  unsigned index_;
  WorkerGroup& group_;
  Log& log_;
  net::Loop loop_;
  wire::Context context_;
  Rng rng_;
  observe::WorkerNumbers numbers_;
  std::atomic<std::uint64_t> clients_{0};  // of this worker; read by others to share out evenly
  std::atomic<std::uint64_t> streams_{0};  // its sockets, backends' and lingering ones included
  std::atomic<std::uint64_t> lingering_{0};
  observe::AccessLog* access_log_ = nullptr;
  proxy::Proxy proxy_;
  std::vector<std::unique_ptr<Door>> doors_;
  net::Timer reopen_timer_;
  net::Timer drained_timer_;
  net::Timer lag_timer_;
  // Accepted at the very limit, before the doors were closed; at most one batch.
  std::vector<std::pair<net::AcceptedSocket, std::uint32_t>> waiting_;
  std::vector<std::pair<std::uint32_t, Task>> leaving_;  // addresses, until their clients have left
  Task on_drained_;
  TimePoint drain_linger_until_{};
  bool are_doors_closed_ = false;
  std::thread thread_;
};

}  // namespace weir::server
