#pragma once
// A text that never changes, once in memory however many hold it; a holder costs one pointer. For
// names that a large table has in several places. Any thread.
#include <atomic>
#include <cstdint>
#include <cstring>
#include <new>
#include <string>
#include <string_view>
#include <utility>

namespace weir {

class SharedText {
 public:
  SharedText() = default;
  SharedText(std::string_view text) : body_(make(text)) {}      // NOLINT: a text as any other
  SharedText(const std::string& text) : body_(make(text)) {}    // NOLINT
  SharedText(const char* text) : body_(make(text)) {}           // NOLINT
  SharedText(const SharedText& other) : body_(other.body_) {
    if (body_ != nullptr) body_->holders.fetch_add(1, std::memory_order_relaxed);
  }
  SharedText(SharedText&& other) noexcept : body_(std::exchange(other.body_, nullptr)) {}
  SharedText& operator=(SharedText other) noexcept {
    std::swap(body_, other.body_);
    return *this;
  }
  ~SharedText() {
    if (body_ == nullptr || body_->holders.fetch_sub(1, std::memory_order_acq_rel) > 1) return;
    body_->~Body();
    ::operator delete(body_);
  }

  // Good as long as somebody holds it.
  std::string_view view() const {
    if (body_ == nullptr) return {};
    return {reinterpret_cast<const char*>(body_ + 1), body_->size};
  }
  operator std::string_view() const { return view(); }  // NOLINT: a text as any other
  std::string str() const { return std::string(view()); }
  bool empty() const { return body_ == nullptr; }
  friend bool operator==(const SharedText& a, const SharedText& b) {
    return a.body_ == b.body_ || a.view() == b.view();
  }
  friend bool operator==(const SharedText& a, std::string_view b) { return a.view() == b; }
  friend bool operator==(const SharedText& a, const char* b) { return a.view() == b; }
  friend bool operator==(const SharedText& a, const std::string& b) { return a.view() == b; }

 private:
  // Its bytes are behind it.
  struct Body {
    std::atomic<std::uint32_t> holders{1};
    std::uint32_t size = 0;
  };
  static Body* make(std::string_view text) {
    if (text.empty()) return nullptr;
    auto* body = new (::operator new(sizeof(Body) + text.size())) Body;
    body->size = static_cast<std::uint32_t>(text.size());
    std::memcpy(reinterpret_cast<char*>(body + 1), text.data(), text.size());
    return body;
  }
  Body* body_ = nullptr;
};

}  // namespace weir
