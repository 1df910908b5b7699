#pragma once
// Readiness of descriptors on one loop, by an epoll of weir's own that also holds libuv's (as
// libuv's uv_backend_fd() is meant to be used). Why: libuv polls level-triggered, which has the
// kernel look at each descriptor once more after each event, changes what it watches by a system
// call, holds 160 bytes a descriptor, and ends the process when the kernel will not watch one more.
// Here a stream is added once, edge-triggered, and costs no further call. Loop's thread only.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace weir::net {

// What a descriptor's events go to.
class Pollable {
 public:
  virtual ~Pollable() = default;
  // Events that are about to be delivered, before any other's of the same wait is: what one handler
  // does shall not depend on the order in which epoll tells of two. Only remembers them.
  virtual void note_events(std::uint32_t /*events*/) {}
  // `events` as epoll reports them. May retire itself.
  virtual void on_events(std::uint32_t events) = 0;
  // Later in the same turn, or at the beginning of the next: it asked for it by Poller::defer().
  virtual void on_deferred() {}
  // Frees it: see Poller::retire().
  virtual void release() = 0;

 private:
  friend class Poller;
  bool is_deferred_ = false;
  bool is_retired_ = false;
};

class Poller {
 public:
  Poller();
  ~Poller();
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  // `events` as of epoll_ctl; EPOLLET is the caller's choice. 0, or errno (EMFILE does not occur;
  // ENOSPC: the user's fs.epoll.max_user_watches, ENOMEM).
  int add(int fd, std::uint32_t events, Pollable& pollable);
  int change(int fd, std::uint32_t events, Pollable& pollable);
  // Only where the descriptor's file lives on in a duplicate; closing the last one is enough.
  void remove(int fd);

  // on_deferred() once, before the loop waits again. A second call before it changes nothing.
  void defer(Pollable& pollable);
  // Hears nothing from now on; release() is called when no event of this turn can be its own.
  void retire(Pollable& pollable);

  // Waits at most `milliseconds` (-1: until an event) and delivers what came, then what was
  // deferred. Does not wait while something is deferred. `on_wake` runs before the first delivery.
  // Returns how many events came.
  template <typename OnWake>
  std::size_t turn(int milliseconds, OnWake on_wake) {
    int count = wait(deferred_.empty() ? milliseconds : 0);
    on_wake();
    deliver(count);
    return count < 0 ? 0 : static_cast<std::size_t>(count);
  }
  // Releases everything that was retired; called once more before the poller goes.
  void release_all();

 private:
  int wait(int milliseconds);
  void deliver(int count);
  int control(int operation, int fd, std::uint32_t events, Pollable* pollable);
  struct Batch;
  int fd_;
  std::unique_ptr<Batch> batch_;
  std::vector<Pollable*> deferred_;
  std::vector<Pollable*> running_;  // deferred before, delivered in this turn
  std::vector<Pollable*> retired_;
};

}  // namespace weir::net
