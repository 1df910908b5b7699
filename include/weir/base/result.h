#pragma once
// Result<T, E>: a value or the reason why there is none. For failures that are caused by a peer, a
// file or an administrator; our own mistakes are WEIR_CHECKs (check.h). Nothing of weir throws.
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "weir/base/check.h"

namespace weir {

// A failure in words, for a person. Lower case, no final period.
struct Error {
  std::string message;
};

// Wraps an error so that it converts to any Result: `return Err{Error{"no such file"}};`
template <typename E>
struct Err {
  E error;
};
template <typename E>
Err(E) -> Err<E>;

template <typename T, typename E = Error>
class [[nodiscard]] Result {
 public:
  Result(T value)
      : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT: implicit by design
  template <typename F>
  Result(Err<F> err) : state_(std::in_place_index<1>, std::move(err.error)) {}  // NOLINT

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & {
    WEIR_CHECK(ok());
    return *std::get_if<0>(&state_);
  }
  const T& value() const& {
    WEIR_CHECK(ok());
    return *std::get_if<0>(&state_);
  }
  T&& value() && {
    WEIR_CHECK(ok());
    return std::move(*std::get_if<0>(&state_));
  }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }

  const E& error() const {
    WEIR_CHECK(!ok());
    return *std::get_if<1>(&state_);
  }

 private:
  std::variant<T, E> state_;
};

// A Result without a value: success or an error.
struct Ok {};
template <typename E = Error>
using Status = Result<Ok, E>;

}  // namespace weir
