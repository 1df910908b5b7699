#include "weir/net/loop.h"

#include <sys/epoll.h>

#include <algorithm>
#include <cstdlib>
#include <new>

#include "src/net/loop_impl.h"
#include "weir/net/listener.h"

namespace weir::net {
namespace {

constexpr std::size_t kKeptNodes = 1024;
// AddressSanitizer sees a use after free only of what is really freed.
#ifdef __SANITIZE_ADDRESS__
constexpr bool kReusesNodes = false;
#else
constexpr bool kReusesNodes = true;
#endif

template <typename Handle>
void close_handle(Handle& handle) {
  uv_close(reinterpret_cast<uv_handle_t*>(&handle), nullptr);
}

}  // namespace

struct Loop::Impl::SignalWatch {
  uv_signal_t handle;
  Impl& loop;
  std::function<void(int)> handler;
};

Loop::Impl::Impl(const Clock& clock)
    : scheduler(clock), read_buffer(std::make_unique_for_overwrite<char[]>(kReadBufferBytes)) {
  WEIR_CHECK(uv_loop_init(&uv) == 0);
  WEIR_CHECK(uv_async_init(&uv, &mail_, on_mail) == 0);
  mail_.data = this;
  WEIR_CHECK(poller.add(uv_backend_fd(&uv), EPOLLIN, uv_events_) == 0);
  // libuv watches what it was told of when it next runs.
  poller.defer(uv_events_);
}

Loop::Impl::~Impl() {
  end_background();
  while (true) {  // what tasks own may post again when destroyed
    std::vector<Task> unrun;
    {
      std::lock_guard lock(mailbox_mutex_);
      unrun.swap(mailbox_);
    }
    unrun.insert(unrun.end(), std::make_move_iterator(delivered_.begin()),
                 std::make_move_iterator(delivered_.end()));
    delivered_.clear();
    scheduler.drain_retired();
    if (unrun.empty()) break;
  }
  while (Linger* linger = lingering.front()) linger->node.close();
  WEIR_CHECK(open_streams == 0);
  for (auto& signal : signals_) close_handle(signal->handle);
  close_handle(mail_);
  uv_run(&uv, UV_RUN_DEFAULT);
  WEIR_CHECK(uv_loop_close(&uv) == 0);
  poller.release_all();
  for (void* memory : free_nodes_) std::free(memory);
}

void Loop::Impl::refresh_time() { scheduler.set_now(scheduler.clock().now()); }

int Loop::Impl::milliseconds_to_wait(Duration longest) const {
  constexpr Duration kLongest = std::chrono::hours(1);
  Duration wait = kLongest;
  if (longest >= Duration::zero()) wait = std::min(wait, longest);
  if (scheduler.wake_at() != TimePoint::max())
    wait = std::min(wait, scheduler.wake_at() - scheduler.now());
  auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(wait).count();
  return static_cast<int>(std::max<std::int64_t>(milliseconds, 0));
}

void Loop::Impl::turn(Duration longest) {
  ++turns;
  std::size_t events = poller.turn(milliseconds_to_wait(longest), [this] { refresh_time(); });
  run_due_timers(events);
  Duration taken = scheduler.clock().now() - scheduler.now();
  busy_ns.store(busy_ns.load(std::memory_order_relaxed) + taken.count(), std::memory_order_relaxed);
}

// The wake time may be earlier than the next deadline: cancelling does not move it. It is in the
// past while more is due: the next turn polls without waiting.
void Loop::Impl::run_due_timers(std::size_t events) {
  if (scheduler.now() < scheduler.wake_at()) return;
  scheduler.run_timers(events);
  scheduler.set_wake(scheduler.next_deadline().value_or(TimePoint::max()));
}

void* Loop::Impl::allocate_node() {
  if (!free_nodes_.empty()) {
    void* memory = free_nodes_.back();
    free_nodes_.pop_back();
    return memory;
  }
  void* memory = std::malloc(sizeof(StreamNode));
  if (memory == nullptr) throw std::bad_alloc();  // no memory: terminate (DESIGN §6)
  return memory;
}

void Loop::Impl::free_node(void* memory) {
  if (kReusesNodes && free_nodes_.size() < kKeptNodes) {
    free_nodes_.push_back(memory);
  } else {
    std::free(memory);
  }
}

void Loop::Impl::post(Task task) {
  bool was_empty = false;
  {
    std::lock_guard lock(mailbox_mutex_);
    was_empty = mailbox_.empty();
    mailbox_.push_back(std::move(task));
  }
  if (was_empty) uv_async_send(&mail_);
}

void Loop::Impl::stop() {
  is_stopping_ = true;
  uv_async_send(&mail_);
}

void Loop::Impl::run() {
  refresh_time();
  do {
    turn(Duration(-1));
  } while (!is_stopping_);
  is_stopping_ = false;
  if (next_task_ < delivered_.size()) uv_async_send(&mail_);
}

void Loop::Impl::on_mail(uv_async_t* handle) {
  auto& loop = *static_cast<Impl*>(handle->data);
  loop.run_tasks();
  loop.end_event();
}

// Each task is an event of its own. What a stop() leaves over comes first in the next run().
void Loop::Impl::run_tasks() {
  if (next_task_ == delivered_.size()) {
    std::lock_guard lock(mailbox_mutex_);
    delivered_.clear();
    next_task_ = 0;
    delivered_.swap(mailbox_);
  }
  while (next_task_ < delivered_.size() && !is_stopping_) {
    Task task = std::move(delivered_[next_task_++]);
    task();
    task = nullptr;
    scheduler.drain_retired();
  }
  if (next_task_ < delivered_.size()) return;
  delivered_.clear();
  next_task_ = 0;
  std::lock_guard lock(mailbox_mutex_);
  if (!mailbox_.empty()) uv_async_send(&mail_);
}

bool Loop::Impl::prepare_background() {
  if (has_background_ended_) return false;
  if (background_ != nullptr) return true;
  auto thread = std::make_unique<BackgroundThread>([this] {
    post([this] {
      if (background_ != nullptr) background_->run_done();
    });
  });
  if (!thread->start()) return false;
  background_ = std::move(thread);
  return true;
}

void Loop::Impl::run_in_background(Task work, Task done) {
  if (has_background_ended_) return;
  WEIR_CHECK(prepare_background());
  background_->run(std::move(work), std::move(done));
}

void Loop::Impl::end_background() {
  has_background_ended_ = true;
  background_.reset();
}

void Loop::Impl::watch_signals(std::initializer_list<int> signals,
                               std::function<void(int)> handler) {
  for (int number : signals) {
    signals_.push_back(std::make_unique<SignalWatch>(SignalWatch{{}, *this, handler}));
    SignalWatch& watch = *signals_.back();
    WEIR_CHECK(uv_signal_init(&uv, &watch.handle) == 0);
    watch.handle.data = &watch;
    auto on_signal = [](uv_signal_t* handle, int signal) {
      auto& self = *static_cast<SignalWatch*>(handle->data);
      EventScope event(self.loop);
      self.handler(signal);
    };
    WEIR_CHECK(uv_signal_start(&watch.handle, on_signal, number) == 0);
  }
  poller.defer(uv_events_);
}

Loop::Loop(const Clock& clock) : impl_(std::make_unique<Impl>(clock)) {}
Loop::~Loop() = default;

Scheduler& Loop::scheduler() { return impl_->scheduler; }
Connector& Loop::connector() { return impl_->connector; }
void Loop::run() { impl_->run(); }
void Loop::stop() { impl_->stop(); }
void Loop::post(Task task) { impl_->post(std::move(task)); }
Duration Loop::busy() const { return Duration(impl_->busy_ns.load(std::memory_order_relaxed)); }
std::size_t Loop::open_streams() const { return impl_->open_streams; }
std::size_t Loop::lingering_streams() const { return impl_->lingering_count; }

std::unique_ptr<Stream> Loop::adopt(AcceptedSocket socket) {
  bool is_unix = socket.peer().is_unspecified();
  StreamNode* node = StreamNode::create(*impl_, socket.release(), StreamNode::Origin::kAccepted);
  return node == nullptr ? nullptr : node->make_stream(is_unix);
}

void Loop::run_in_background(Task work, Task done) {
  impl_->run_in_background(std::move(work), std::move(done));
}

bool Loop::prepare_background() { return impl_->prepare_background(); }
void Loop::end_background() { impl_->end_background(); }

void Loop::watch_signals(std::initializer_list<int> signals, std::function<void(int)> handler) {
  impl_->watch_signals(signals, std::move(handler));
}

}  // namespace weir::net
