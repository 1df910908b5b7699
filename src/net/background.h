#pragma once
// One thread at low priority that works off a queue: building tables must not take time from
// workers. A job's second half is posted back to its loop.
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "weir/base/task.h"

namespace weir::net {

class BackgroundThread {
 public:
  // `post` may be called until the destructor returns.
  explicit BackgroundThread(std::function<void(Task)> post);
  // Waits for the running job; the ones behind it are destroyed unrun.
  ~BackgroundThread();
  void run(Task work, Task done);

 private:
  struct Job {
    Task work;
    Task done;
  };
  void main();
  std::function<void(Task)> post_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> jobs_;
  bool is_ending_ = false;
  std::thread thread_;
};

}  // namespace weir::net
