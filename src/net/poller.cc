#include "poller.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "weir/base/check.h"

namespace weir::net {

// Enough to spread the cost of the wait; few enough that what they read stays in the cache.
struct Poller::Batch {
  std::array<epoll_event, 256> events;
};

Poller::Poller() : fd_(::epoll_create1(EPOLL_CLOEXEC)), batch_(std::make_unique<Batch>()) {
  WEIR_CHECK(fd_ >= 0);
}

Poller::~Poller() {
  WEIR_CHECK(retired_.empty());
  ::close(fd_);
}

int Poller::control(int operation, int fd, std::uint32_t events, Pollable* pollable) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = pollable;
  return ::epoll_ctl(fd_, operation, fd, &event) == 0 ? 0 : errno;
}

int Poller::add(int fd, std::uint32_t events, Pollable& pollable) {
  return control(EPOLL_CTL_ADD, fd, events, &pollable);
}

int Poller::change(int fd, std::uint32_t events, Pollable& pollable) {
  return control(EPOLL_CTL_MOD, fd, events, &pollable);
}

void Poller::remove(int fd) { control(EPOLL_CTL_DEL, fd, 0, nullptr); }

void Poller::defer(Pollable& pollable) {
  if (pollable.is_deferred_) return;
  pollable.is_deferred_ = true;
  deferred_.push_back(&pollable);
}

void Poller::retire(Pollable& pollable) {
  pollable.is_retired_ = true;
  retired_.push_back(&pollable);
}

int Poller::wait(int milliseconds) {
  int count = ::epoll_wait(fd_, batch_->events.data(), static_cast<int>(batch_->events.size()),
                           milliseconds);
  WEIR_CHECK(count >= 0 || errno == EINTR);
  return count;
}

void Poller::deliver(int count) {
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = batch_->events[static_cast<std::size_t>(i)];
    static_cast<Pollable*>(event.data.ptr)->note_events(event.events);
  }
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = batch_->events[static_cast<std::size_t>(i)];
    auto* pollable = static_cast<Pollable*>(event.data.ptr);
    if (!pollable->is_retired_) pollable->on_events(event.events);
  }
  running_.swap(deferred_);
  for (Pollable* pollable : running_) {
    pollable->is_deferred_ = false;
    if (!pollable->is_retired_) pollable->on_deferred();
  }
  running_.clear();
  if (!retired_.empty()) release_all();
}

void Poller::release_all() {
  std::erase_if(deferred_, [](Pollable* pollable) {
    if (pollable->is_retired_) pollable->is_deferred_ = false;
    return pollable->is_retired_;
  });
  std::vector<Pollable*> over;
  over.swap(retired_);
  for (Pollable* pollable : over) pollable->release();
}

}  // namespace weir::net
