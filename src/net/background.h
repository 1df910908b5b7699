#pragma once
// One thread at low priority that works off a queue: building tables must not take time from
// workers. A job's second half runs on its loop.
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "weir/base/task.h"

namespace weir::net {

class BackgroundThread {
 public:
  // `on_worked` is called on the thread after each job's work, until the destructor returns; it
  // lets the loop call run_done() once.
  explicit BackgroundThread(std::function<void()> on_worked);
  // Waits for the running work. Jobs behind it and second halves not yet run are destroyed unrun.
  ~BackgroundThread();
  // False when the system gives no thread.
  bool start();
  void run(Task work, Task done);
  // Loop's thread. The second half of the first job whose work is over. It may destroy this.
  void run_done();

 private:
  struct Job {
    Task work;
    Task done;
  };
  void main();
  std::function<void()> on_worked_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> jobs_;
  std::deque<Task> dones_;  // of jobs whose work is over
  bool is_ending_ = false;
  std::thread thread_;
};

}  // namespace weir::net
