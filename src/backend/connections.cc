#include "weir/backend/connections.h"

#include <algorithm>

#include "pooled_connection.h"
#include "weir/base/check.h"
#include "weir/base/guard.h"

namespace weir::backend {

namespace {

// Until a backend's own limit is known, a request with side effects takes nothing older.
constexpr Duration kHardlyIdle = std::chrono::seconds(1);
// An answer too many, to a body that the backend took for a request, comes within this time; and how
// many connections are passed over for it.
constexpr Duration kSettling = std::chrono::milliseconds(5);
constexpr int kMaxPassedOver = 8;
// A limit seen at work (not announced) is believed for so long: a restart looks the same.
constexpr Duration kObservedLimitLasts = std::chrono::minutes(10);

Failure failure_of(net::ConnectError error) {
  switch (error) {
    case net::ConnectError::kRefused:
      return Failure::connect_refused;
    case net::ConnectError::kTimedOut:
      return Failure::connect_timeout;
    case net::ConnectError::kNoLocalPort:
      return Failure::no_local_port;
    case net::ConnectError::kNoDescriptors:
      return Failure::overloaded;
    case net::ConnectError::kUnreachable:
    case net::ConnectError::kOther:
      break;
  }
  return Failure::connect_unreachable;
}

}  // namespace

// One connect under way.
class ConnectWaiter final : public Waiter, private net::ConnectObserver {
 public:
  ConnectWaiter(BackendConnections& owner, Claim claim, AcquireObserver& observer)
      : owner_(owner),
        claim_(std::move(claim)),
        observer_(observer),
        timer_(net::Timer::bind<&ConnectWaiter::on_timeout>(this)),
        began_(owner.context_.scheduler().clock().now()) {
    ++owner_.connecting_count_;
  }
  ~ConnectWaiter() override { --owner_.connecting_count_; }

  std::optional<Failure> start(Duration timeout) {
    auto pending = owner_.connector_.connect(claim_.backend().shared().endpoint(), *this);
    if (!pending.ok() && pending.error() == net::ConnectError::kNoDescriptors &&
        owner_.close_least_recent())
      pending = owner_.connector_.connect(claim_.backend().shared().endpoint(), *this);
    if (!pending.ok()) return failure_of(pending.error());
    pending_ = std::move(pending).value();
    owner_.context_.scheduler().arm(timer_, timeout);
    return std::nullopt;
  }

 private:
  void on_connected(std::unique_ptr<net::Stream> stream) override {
    timer_.cancel();
    owner_.numbers_.backend_connections_new.add();
    Lease lease;
    lease.claim_ = std::move(claim_);
    lease.pooled_ = std::make_unique<PooledConnection>(owner_, owner_.context_, std::move(stream));
    lease.connect_duration_ = owner_.context_.scheduler().clock().now() - began_;
    observer_.on_acquired(std::move(lease));
  }
  void on_connect_failed(net::ConnectError error) override {
    timer_.cancel();
    observer_.on_acquire_failed(failure_of(error));
  }
  void on_timeout() {
    // Not retired: nothing of it is on the stack, and its own timer may be due in this very turn.
    pending_.reset();
    observer_.on_acquire_failed(Failure::connect_timeout);
  }

  BackendConnections& owner_;
  Claim claim_;
  AcquireObserver& observer_;
  net::Timer timer_;
  TimePoint began_;
  std::unique_ptr<net::PendingConnect> pending_;
};

Lease::Lease() = default;
Lease::Lease(Lease&&) noexcept = default;
Lease& Lease::operator=(Lease&&) noexcept = default;
Lease::~Lease() = default;
wire::OutboundConnection& Lease::connection() const { return pooled_->connection; }

void PooledConnection::begin_idle(std::shared_ptr<LocalBackend> backend, net::Scheduler& scheduler,
                                  Duration limit, bool had_body) {
  had_body_ = had_body;
  backend_ = std::move(backend);
  idle_since_ = scheduler.now();
  connection.set_observer(this);
  scheduler.arm(timer_, limit);
}

std::shared_ptr<LocalBackend> PooledConnection::end_idle() {
  timer_.cancel();
  connection.set_observer(nullptr);
  return std::move(backend_);
}

void PooledConnection::on_idle_timeout() { owner_.close(*this); }

void PooledConnection::on_idle_event() {
  owner_.learn(*this);
  if (guard(Guard::kIdleBytesClose, true)) owner_.close(*this);
}

BackendConnections::BackendConnections(wire::Context& context, net::Connector& connector,
                                       observe::WorkerNumbers& numbers, std::size_t max_idle_total)
    : context_(context),
      connector_(connector),
      numbers_(numbers),
      max_idle_total_(max_idle_total),
      lru_(std::make_unique<Lru>()) {}

BackendConnections::~BackendConnections() {
  close_all_idle();
  WEIR_CHECK(connecting_count_ == 0);
}

BackendConnections::Acquired BackendConnections::acquire(Claim claim, const AcquireOptions& options,
                                                         AcquireObserver& observer) {
  if (PooledConnection* idle = usable(claim.backend(), options.reuse)) {
    numbers_.backend_connections_reused.add();
    Lease lease;
    lease.pooled_ = take(*idle);
    lease.claim_ = std::move(claim);
    lease.is_reused_ = true;
    return lease;
  }
  auto waiter = std::make_unique<ConnectWaiter>(*this, std::move(claim), observer);
  if (std::optional<Failure> failure = waiter->start(options.connect_timeout)) return *failure;
  return std::unique_ptr<Waiter>(std::move(waiter));
}

// What came on it shortly before the loop can have told: a look where backends may have begun to
// time out, where the last request's body may have been taken for a request, and where epoll told of
// something that has not been handled yet. Other connections in steady use are spared the system
// call.
bool BackendConnections::is_spoiled(const PooledConnection& idle) const {
  bool is_suspect = idle.had_body() || idle.connection.may_have_stray_input() ||
                    context_.scheduler().now() - idle.idle_since() >= kHardlyIdle;
  return is_suspect && idle.connection.has_stray_input();
}

// The most recently used one; those whose last request had a body let others go first for a moment,
// if there are any, and then take turns.
PooledConnection* BackendConnections::next_idle(LocalBackend& backend) const {
  PooledConnection* next = backend.idle_.front();
  if (next == nullptr || !next->had_body()) return next;
  TimePoint settled = context_.scheduler().now() - kSettling;
  int passed_over = 0;
  for (PooledConnection& idle : backend.idle_) {
    next = &idle;
    if (!idle.had_body() || idle.idle_since() <= settled || ++passed_over == kMaxPassedOver) break;
  }
  return next;
}

PooledConnection* BackendConnections::usable(LocalBackend& backend, Reuse reuse) {
  PooledConnection* idle = next_idle(backend);
  while (idle != nullptr && reuse != Reuse::kNever && is_spoiled(*idle)) {
    learn(*idle);
    close(*idle);
    idle = next_idle(backend);
  }
  if (idle == nullptr || reuse == Reuse::kNever) return nullptr;
  if (reuse == Reuse::kAny) return idle;
  // Without acknowledgements nothing can be told about what the backend has read (DESIGN §7).
  if (backend.shared().is_unix()) return nullptr;
  Duration limit = kHardlyIdle;
  if (std::optional<Duration> learned = learned_limit(backend)) limit = *learned / 2;
  return context_.scheduler().now() - idle->idle_since() < limit ? idle : nullptr;
}

std::optional<Duration> BackendConnections::learned_limit(const LocalBackend& backend) const {
  if (backend.learned_idle_.has_value() && context_.scheduler().now() < backend.learned_until_)
    return backend.learned_idle_;
  return std::nullopt;
}

void BackendConnections::release(Lease lease, const PoolSettings& settings,
                                 std::optional<std::uint64_t> keep_alive_timeout_seconds,
                                 bool had_body) {
  LocalBackend& backend = lease.backend();
  if (keep_alive_timeout_seconds.has_value()) {
    backend.learned_idle_ =
        std::chrono::seconds(std::min<std::uint64_t>(*keep_alive_timeout_seconds, 86400));
    backend.learned_until_ = TimePoint::max();
  }
  Duration limit = settings.timeouts.backend_idle;
  // Ours ends first: the backend's may end while a request is on its way.
  if (std::optional<Duration> learned = learned_limit(backend))
    limit = std::min(limit, *learned > std::chrono::seconds(2) ? *learned - std::chrono::seconds(1)
                                                               : *learned / 2);
  bool is_wanted = settings.keepalive && settings.max_idle > 0 && max_idle_total_ > 0 &&
                   limit > Duration::zero() && !backend.is_out();
  if (!is_wanted || !lease.connection().is_reusable()) {
    discard(std::move(lease));
    return;
  }
  while (backend.idle_count_ >= settings.max_idle) close(*backend.idle_.back());
  if (idle_count_ >= max_idle_total_) close_least_recent();
  PooledConnection& idle = *lease.pooled_.release();
  backend.idle_.push_front(idle);
  lru_->list.push_front(idle);
  ++backend.idle_count_;
  backend.shared_->add_idle(backend.worker_, 1);
  ++idle_count_;
  std::shared_ptr<LocalBackend> owner = lease.claim_.backend_;
  lease.claim_.reset();
  idle.begin_idle(std::move(owner), context_.scheduler(), limit, had_body);
}

std::unique_ptr<PooledConnection> BackendConnections::take(PooledConnection& idle) {
  LocalBackend& backend = idle.backend();
  --backend.idle_count_;
  backend.shared_->add_idle(backend.worker_, -1);
  --idle_count_;
  static_cast<ListNode<PooledConnection>&>(idle).unlink();
  static_cast<ListNode<LruTag>&>(idle).unlink();
  idle.end_idle();
  return std::unique_ptr<PooledConnection>(&idle);
}

void BackendConnections::close(PooledConnection& idle) { context_.scheduler().retire(take(idle)); }

bool BackendConnections::close_least_recent() {
  PooledConnection* oldest = lru_->list.back();
  if (oldest == nullptr) return false;
  take(*oldest).reset();
  return true;
}

// The backend ended an idle connection: its own limit is not far from that age.
void BackendConnections::learn(const PooledConnection& idle) {
  Duration age = context_.scheduler().now() - idle.idle_since();
  if (age < kHardlyIdle) return;
  LocalBackend& backend = idle.backend();
  std::optional<Duration> known = learned_limit(backend);
  Duration seen = std::chrono::floor<std::chrono::seconds>(age);
  if (known.has_value() && *known <= seen) return;
  backend.learned_idle_ = seen;
  backend.learned_until_ = context_.scheduler().now() + kObservedLimitLasts;
}

void BackendConnections::discard(Lease lease) {
  if (lease.pooled_ == nullptr) return;
  lease.connection().set_observer(nullptr);
  context_.scheduler().retire(std::move(lease.pooled_));
}

void BackendConnections::close_idle(LocalBackend& backend) {
  while (PooledConnection* idle = backend.idle_.front()) take(*idle).reset();
}

void BackendConnections::close_all_idle() {
  while (close_least_recent()) {
  }
}

}  // namespace weir::backend
