#pragma once
// A call to be made once, elsewhere: like std::function<void()>, but movable only, so that it may
// own what it needs (a socket, a unique_ptr). An empty one does nothing when called.
#include <concepts>
#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

namespace weir {

class Task {
 public:
  Task() = default;
  Task(std::nullptr_t) {}  // NOLINT: implicit by design
  template <typename F>
  requires(!std::same_as<std::remove_cvref_t<F>, Task> && std::invocable<std::decay_t<F>&>)
      Task(F&& call)  // NOLINT: implicit by design
      : call_(std::make_unique<Holder<std::decay_t<F>>>(std::forward<F>(call))) {}

  explicit operator bool() const { return call_ != nullptr; }
  void operator()() {
    if (call_ != nullptr) call_->run();
  }

 private:
  struct Callable {
    virtual ~Callable() = default;
    virtual void run() = 0;
  };
  template <typename F>
  struct Holder final : Callable {
    template <typename G>
    explicit Holder(G&& source) : call(std::forward<G>(source)) {}
    void run() override { static_cast<void>(call()); }
    F call;
  };
  std::unique_ptr<Callable> call_;
};

}  // namespace weir
