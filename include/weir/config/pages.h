#pragma once
// [pages]: an administrator's own pages in place of those that weir answers failures with. Read
// with the configuration, so that nothing is read when a request fails. Pure values.
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/failure.h"
#include "weir/base/form.h"

namespace weir::config {

inline constexpr std::size_t kMaxPageBytes = 64 * 1024;

// What stands in braces in a page: {request_id}. Anything else in braces stays as it is.
enum class Placeholder : std::uint8_t { kStatus, kStatusText, kReason, kMessage, kRequestId };
inline constexpr std::string_view kPlaceholders[] = {"status", "status_text", "reason", "message",
                                                     "request_id"};

struct PageFile {
  std::string path;
  Form form = Form::kHtml;                  // by the extension
  std::shared_ptr<const std::string> text;  // UTF-8, not empty, at most kMaxPageBytes; never null
  bool operator==(const PageFile& other) const {
    return path == other.path && form == other.form && *text == *other.text;
  }
};

// How closely a key names a failure: "5xx", "503", "no_usable_backend". The closest counts.
enum class PageKey : std::uint8_t { kClass, kStatus, kReason };

struct PageEntry {
  std::string host;  // canonical pattern; "" = every host
  PageKey key = PageKey::kStatus;
  std::vector<Failure> failures;  // that the key stands for
  std::vector<PageFile> files;    // at least one, each of another form
  bool operator==(const PageEntry&) const = default;
};

}  // namespace weir::config
