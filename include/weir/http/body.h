#pragma once
// Body bytes in and out: decoding by the framing that the head declared, encoding anew. Pure.
#include <cstdint>
#include <memory>
#include <string_view>

#include "weir/base/buffer.h"
#include "weir/http/message.h"
#include "weir/http/parser.h"

namespace weir::http {

// Decodes one body. Small when there is no chunked framing (chunked state is on the heap).
class BodyDecoder {
 public:
  enum class Event : unsigned char {
    kNeedMore,  // all input is consumed
    kData,      // `data` is a piece of the body; call again with the rest
    kDone,      // the body is complete; what was not consumed belongs to the next message
    kRefused,   // the framing is broken; `reason` says how
  };
  struct Step {
    Event event;
    std::size_t consumed = 0;   // of the input
    std::string_view data{};    // points into the input
    std::string_view reason{};  // of kRefused, a constant
  };

  BodyDecoder();
  // `limits` bound the trailers; chunk extensions are bounded by 16 KiB in all (R03).
  BodyDecoder(const BodyFraming& framing, const HeadLimits& limits);
  ~BodyDecoder();
  BodyDecoder(BodyDecoder&&) noexcept;
  BodyDecoder& operator=(BodyDecoder&&) noexcept;

  Step next(std::string_view input);
  bool is_done() const { return done_; }
  // At the end of the stream: true when the body is complete by it (kUntilClose) or was before.
  bool finish();
  // After kDone of a chunked body: its trailers, usually none. Valid until the decoder goes.
  const Fields& trailers() const;
  BodyKind kind() const { return kind_; }

 private:
  struct Chunked;
  BodyKind kind_ = BodyKind::kNone;
  bool done_ = true;
  std::uint64_t left_ = 0;
  std::unique_ptr<Chunked> chunked_;
};

// The size line in front of a chunk of `size` bytes (> 0). The chunk's data is followed by "\r\n".
void append_chunk_line(Buffer& out, std::size_t size);
// "0\r\n", the trailers, "\r\n".
void append_last_chunk(Buffer& out, const Fields& trailers);

}  // namespace weir::http
