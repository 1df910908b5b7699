#include "worker.h"

#include <pthread.h>

#include "weir/base/check.h"

namespace weir::server {

namespace {

// Accepting pauses at the limit and looks again this often.
constexpr Duration kReopenAfter = std::chrono::milliseconds(20);
// After the last client what was sent to the closed ones may need a moment to arrive.
constexpr Duration kDrainLook = std::chrono::milliseconds(5);
constexpr Duration kDrainLinger = std::chrono::seconds(2);
// Clients that come and go around the limit do not fill the log.
constexpr Duration kSayFullEvery = std::chrono::seconds(5);
// How often a worker looks how late its timers come.
constexpr Duration kLagProbe = std::chrono::seconds(1);
// So many more clients than the least busy worker before new ones go there.
constexpr std::uint64_t kUnevenBy = 8;

}  // namespace

// One listener as this worker sees it.
class Worker::Door final : private net::AcceptObserver {
 public:
  Door(Worker& worker, const BoundListener& listener)
      : worker_(worker),
        address_(listener.address),
        acceptor_(worker.loop_, *listener.socket, *this) {}
  void close() { acceptor_.pause(); }
  void open() { acceptor_.resume(); }
  std::vector<net::AcceptedSocket> take_queued() { return acceptor_.take_queued(); }
  std::uint32_t address() const { return address_; }

 private:
  void on_accept(net::AcceptedSocket socket) override { worker_.take(std::move(socket), address_); }
  void on_accept_blocked(std::string_view reason) override {
    worker_.log_.warn("accepting pauses", {{"reason", std::string(reason)}});
  }
  Worker& worker_;
  std::uint32_t address_;
  net::Acceptor acceptor_;
};

Worker::Worker(unsigned index, WorkerGroup& group, const Clock& clock, Log& log,
               std::size_t max_idle_backends, std::uint64_t seed)
    : index_(index),
      group_(group),
      log_(log),
      loop_(clock),
      context_(loop_.scheduler()),
      rng_(seed),
      proxy_(proxy::Proxy::Parts{
          context_, loop_.connector(), rng_, log, numbers_, *group.series, index, max_idle_backends,
          [this](const observe::RequestRecord& record) { write_access_line(record); },
          [this] { on_connection_closed(); }}),
      reopen_timer_(net::Timer::bind<&Worker::on_reopen>(this)),
      drained_timer_(net::Timer::bind<&Worker::check_drained>(this)),
      lag_timer_(net::Timer::bind<&Worker::on_lag_timer>(this)) {}

Worker::~Worker() { WEIR_CHECK(!thread_.joinable()); }

void Worker::serve(WorkerVersion version) {
  access_log_ = version.access_log;
  proxy_.set_settings(std::move(version.settings));
  proxy_.set_tables(version.tables->routes, version.tables->pools);
}

void Worker::start(WorkerVersion version, const std::vector<BoundListener>& listeners) {
  serve(std::move(version));
  for (const BoundListener& listener : listeners)
    doors_.push_back(std::make_unique<Door>(*this, listener));
  loop_.scheduler().arm(lag_timer_, kLagProbe);
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), ("worker-" + std::to_string(index_)).c_str());
    loop_.run();
  });
}

void Worker::publish(WorkerVersion version, Task done) {
  loop_.post([this, version = std::move(version), done = std::move(done)]() mutable {
    // Control frees versions; this thread lets go before it says so.
    serve(std::move(version));
    version = {};
    done();
  });
}

void Worker::look_again(std::shared_ptr<const std::vector<backend::PoolId>> pools) {
  loop_.post([this, pools = std::move(pools)] { proxy_.look_again(*pools); });
}

void Worker::on_lag_timer() {
  numbers_.loop_lag.observe(loop_.scheduler().clock().now() - lag_timer_.deadline());
  proxy_.collect_unused_pools();
  loop_.scheduler().arm(lag_timer_, kLagProbe);
}

// Counts a client; false at the limit.
bool Worker::enter() {
  std::uint64_t open = group_.open_clients.load(std::memory_order_relaxed);
  while (open < group_.max_clients.load(std::memory_order_relaxed))
    if (group_.open_clients.compare_exchange_weak(open, open + 1, std::memory_order_relaxed))
      return true;
  return false;
}

void Worker::take(net::AcceptedSocket socket, std::uint32_t address) {
  if (!enter()) {
    waiting_.emplace_back(std::move(socket), address);
    pause_doors();
    return;
  }
  if (is_full()) pause_doors();
  Worker* least = this;
  for (const std::unique_ptr<Worker>& other : group_.workers)
    if (other->clients_.load(std::memory_order_relaxed) <
        least->clients_.load(std::memory_order_relaxed))
      least = other.get();
  bool is_uneven = least != this && clients_.load(std::memory_order_relaxed) >=
                                        least->clients_.load(std::memory_order_relaxed) + kUnevenBy;
  if (!is_uneven) {
    welcome(std::move(socket), address);
    return;
  }
  least->loop_.post([least, address, socket = std::move(socket)]() mutable {
    least->welcome(std::move(socket), address);
  });
}

void Worker::welcome(net::AcceptedSocket socket, std::uint32_t address) {
  IpAddress peer = socket.peer();
  std::unique_ptr<net::Stream> stream = loop_.adopt(std::move(socket));
  if (stream == nullptr) {
    group_.open_clients.fetch_sub(1, std::memory_order_relaxed);
    proxy_.numbers_of(address)
        .connections_rejected[static_cast<std::size_t>(observe::Rejection::kNoDescriptors)]
        .add();
    return;
  }
  clients_.fetch_add(1, std::memory_order_relaxed);
  proxy_.accept(std::move(stream), peer, address);
}

void Worker::on_connection_closed() {
  count_streams();
  clients_.fetch_sub(1, std::memory_order_relaxed);
  group_.open_clients.fetch_sub(1, std::memory_order_relaxed);
  if (!leaving_.empty()) check_left();
}

// The limit of clients, or so few descriptors left that the reserve for admin, log and reload
// begins. Clients that were answered and have not closed count as clients: who comes in their place
// needs a second descriptor for a backend.
bool Worker::is_full() {
  count_streams();
  std::uint64_t streams = 0;
  std::uint64_t clients = group_.open_clients.load(std::memory_order_relaxed);
  for (const std::unique_ptr<Worker>& worker : group_.workers) {
    streams += worker->streams_.load(std::memory_order_relaxed);
    clients += worker->lingering_.load(std::memory_order_relaxed);
  }
  return clients >= group_.max_clients || streams >= group_.max_streams;
}

void Worker::count_streams() {
  streams_.store(loop_.open_streams() + 1, std::memory_order_relaxed);
  lingering_.store(loop_.lingering_streams(), std::memory_order_relaxed);
}

// At the limit clients wait in the kernel's queue rather than be turned away.
void Worker::pause_doors() {
  if (are_doors_closed_) return;
  are_doors_closed_ = true;
  for (const std::unique_ptr<Door>& door : doors_) door->close();
  loop_.scheduler().arm(reopen_timer_, kReopenAfter);
  std::int64_t now = loop_.scheduler().now().time_since_epoch().count();
  if (group_.has_said_full.load(std::memory_order_relaxed)) return;
  std::int64_t may_say = group_.may_say_full_at.load(std::memory_order_relaxed);
  if (now < may_say ||
      !group_.may_say_full_at.compare_exchange_strong(may_say, now + kSayFullEvery.count()))
    return;
  group_.has_said_full.store(true, std::memory_order_relaxed);
  std::uint64_t open = group_.open_clients.load(std::memory_order_relaxed);
  log_.warn("accepting pauses",
            {{"reason",
              open >= group_.max_clients ? "max_connections is reached" : "descriptors run out"},
             {"connections", std::to_string(open)}});
}

void Worker::on_reopen() {
  if (is_full()) {
    loop_.scheduler().arm(reopen_timer_, kReopenAfter);
    return;
  }
  std::uint64_t open = group_.open_clients.load(std::memory_order_relaxed);
  while (!waiting_.empty() && enter()) {
    welcome(std::move(waiting_.back().first), waiting_.back().second);
    waiting_.pop_back();
  }
  if (!waiting_.empty()) {
    loop_.scheduler().arm(reopen_timer_, kReopenAfter);
    return;
  }
  are_doors_closed_ = false;
  for (const std::unique_ptr<Door>& door : doors_) door->open();
  // Said when there is room again, not at every turn around the limit.
  if (open <= group_.max_clients * 9 / 10 &&
      group_.has_said_full.exchange(false, std::memory_order_relaxed)) {
    log_.info("accepting goes on", {{"connections", std::to_string(open)}});
  }
}

void Worker::ask(Task answer) { loop_.post(std::move(answer)); }

void Worker::begin_drain() {
  loop_.post([this] { proxy_.begin_drain(); });
}

void Worker::end_drain() {
  loop_.post([this] { proxy_.end_drain(); });
}

void Worker::list_requests(std::size_t most, RequestsDone done) {
  loop_.post([this, most, done = std::move(done)] {
    done(proxy_.requests_in_flight(most), proxy_.exchange_count());
  });
}

// The last ones before a door closes come in whatever the limit is.
void Worker::welcome_late(net::AcceptedSocket socket, std::uint32_t address) {
  group_.open_clients.fetch_add(1, std::memory_order_relaxed);
  welcome(std::move(socket), address);
}

void Worker::close_door(const ClosedListener& closed) {
  std::erase_if(doors_, [&](const std::unique_ptr<Door>& door) {
    if (door->address() != closed.address) return false;
    if (closed.takes_queued)
      for (net::AcceptedSocket& socket : door->take_queued())
        welcome_late(std::move(socket), closed.address);
    return true;
  });
  std::erase_if(waiting_, [&](auto& waiting) {
    if (waiting.second != closed.address) return false;
    welcome_late(std::move(waiting.first), closed.address);
    return true;
  });
}

void Worker::change_doors(std::vector<BoundListener> opened, std::vector<ClosedListener> closed,
                          Task done) {
  loop_.post([this, opened = std::move(opened), closed = std::move(closed),
              done = std::move(done)]() mutable {
    for (const BoundListener& listener : opened) {
      doors_.push_back(std::make_unique<Door>(*this, listener));
      if (are_doors_closed_) doors_.back()->close();
    }
    for (const ClosedListener& listener : closed) close_door(listener);
    opened.clear();  // Control decides when a socket is closed
    done();
  });
}

void Worker::when_left(std::uint32_t address, Task done) {
  loop_.post([this, address, done = std::move(done)]() mutable {
    leaving_.emplace_back(address, std::move(done));
    check_left();
  });
}

void Worker::check_left() {
  std::erase_if(leaving_, [this](auto& leaving) {
    if (proxy_.connection_count(leaving.first) > 0) return false;
    leaving.second();
    return true;
  });
}

void Worker::close_doors(Task done) {
  loop_.post([this, done = std::move(done)]() mutable {
    reopen_timer_.cancel();
    for (const std::unique_ptr<Door>& door : doors_)
      for (net::AcceptedSocket& socket : door->take_queued())
        welcome_late(std::move(socket), door->address());
    doors_.clear();
    for (auto& [socket, address] : waiting_) welcome_late(std::move(socket), address);
    waiting_.clear();
    done();
  });
}

void Worker::finish_drain(Task done) {
  loop_.post([this, done = std::move(done)]() mutable {
    on_drained_ = std::move(done);
    proxy_.close_idle_clients();
    check_drained();
  });
}

void Worker::check_drained() {
  if (!on_drained_) return;
  TimePoint now = loop_.scheduler().now();
  if (proxy_.connection_count() > 0) {
    drain_linger_until_ = now + kDrainLinger;
    loop_.scheduler().arm(drained_timer_, kDrainLook);
    return;
  }
  if (drain_linger_until_ == TimePoint{}) drain_linger_until_ = now + kDrainLinger;
  bool is_out = loop_.open_streams() == proxy_.backend_connections().idle_count();
  if (!is_out && now < drain_linger_until_) {
    loop_.scheduler().arm(drained_timer_, kDrainLook);
    return;
  }
  Task done = std::move(on_drained_);
  on_drained_ = nullptr;
  done();
}

void Worker::cut() {
  loop_.post([this] { proxy_.cut_all(); });
}

void Worker::stop() {
  if (thread_.joinable()) {
    loop_.stop();
    thread_.join();
  }
  proxy_.cut_all();
  doors_.clear();
  reopen_timer_.cancel();
  drained_timer_.cancel();
  lag_timer_.cancel();
}

void Worker::write_access_line(const observe::RequestRecord& record) {
  // A request that began before the log was switched off.
  if (access_log_ == nullptr) return;
  if (!access_log_->write(index_, record)) numbers_.access_lines_dropped.add();
}

}  // namespace weir::server
