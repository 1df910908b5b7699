#pragma once
// A Stream that passes everything on to another, to be derived from where one answer differs.
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "weir/net/stream.h"

namespace weir::test {

class StreamDecorator : public net::Stream {
 public:
  explicit StreamDecorator(std::unique_ptr<net::Stream> inner) : inner_(std::move(inner)) {}
  void set_observer(net::StreamObserver* observer) override { inner_->set_observer(observer); }
  net::WriteResult write(std::span<const std::string_view> slices) override {
    return inner_->write(slices);
  }
  std::size_t queued_bytes() const override { return inner_->queued_bytes(); }
  std::uint64_t sent_bytes() const override { return inner_->sent_bytes(); }
  std::optional<std::uint64_t> acknowledged_bytes() const override {
    return inner_->acknowledged_bytes();
  }
  bool may_hold_input() const override { return inner_->may_hold_input(); }
  bool has_input_waiting() const override { return inner_->has_input_waiting(); }
  void end_writing() override { inner_->end_writing(); }
  void pause_reading(net::PauseReason reason) override { inner_->pause_reading(reason); }
  void resume_reading(net::PauseReason reason) override { inner_->resume_reading(reason); }
  bool is_reading_paused() const override { return inner_->is_reading_paused(); }

 private:
  void do_reset() override { net::Stream::reset(std::move(inner_)); }
  void do_finish() override { net::Stream::finish(std::move(inner_)); }
  std::unique_ptr<net::Stream> inner_;
};

}  // namespace weir::test
