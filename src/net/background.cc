#include "src/net/background.h"

#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <system_error>
#include <utility>

namespace weir::net {
namespace {

void lower_priority() {
  sched_param none{};
  pthread_setschedparam(pthread_self(), SCHED_BATCH, &none);
  setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), 19);
}

}  // namespace

BackgroundThread::BackgroundThread(std::function<void()> on_worked)
    : on_worked_(std::move(on_worked)) {}

bool BackgroundThread::start() {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);  // signals are for the loops
  pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    thread_ = std::thread([this] { main(); });
  } catch (const std::system_error&) {
    // Not joinable: RLIMIT_NPROC, a cgroup's pids.max, no memory for a stack.
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread_.joinable();
}

BackgroundThread::~BackgroundThread() {
  {
    std::lock_guard lock(mutex_);
    is_ending_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void BackgroundThread::run(Task work, Task done) {
  {
    std::lock_guard lock(mutex_);
    jobs_.push_back(Job{std::move(work), std::move(done)});
  }
  changed_.notify_one();
}

void BackgroundThread::run_done() {
  Task done;
  {
    std::lock_guard lock(mutex_);
    done = std::move(dones_.front());
    dones_.pop_front();
  }
  done();
}

void BackgroundThread::main() {
  lower_priority();
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return is_ending_ || !jobs_.empty(); });
    if (is_ending_) return;
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job.work();
    job.work = nullptr;  // what the work held is freed here, not on the loop
    lock.lock();
    dones_.push_back(std::move(job.done));
    lock.unlock();
    on_worked_();
    lock.lock();
  }
}

}  // namespace weir::net
