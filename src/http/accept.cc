#include "weir/http/accept.h"

#include <algorithm>
#include <optional>

#include "blanks.h"
#include "weir/base/ascii.h"

namespace weir::http {
namespace {

constexpr std::uint32_t kFullWeight = 1000;
constexpr std::uint8_t kLastPlace = 255;

// RFC 9110 §12.4.2, in thousandths.
std::optional<std::uint32_t> weight_of(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return std::nullopt;
  if (text.size() > 1 && text[1] != '.') return std::nullopt;
  std::uint32_t weight = text[0] == '1' ? kFullWeight : 0;
  std::uint32_t unit = kFullWeight / 10;
  for (char digit : text.substr(std::min<std::size_t>(text.size(), 2))) {
    if (!is_digit(digit)) return std::nullopt;
    weight += unit * static_cast<std::uint32_t>(digit - '0');
    unit /= 10;
  }
  if (weight > kFullWeight) return std::nullopt;
  return weight;
}

// How closely a media range names a form; 0: not at all.
enum Precision : std::uint8_t { kNotAtAll, kAnything, kType, kSuffix, kExactly };

Precision precision_of(std::string_view range, Form form) {
  if (range == "*/*") return kAnything;
  constexpr std::string_view kJsonSuffix = "+json";
  switch (form) {
    case Form::kText:
      if (equals_ignoring_case(range, "text/plain")) return kExactly;
      return equals_ignoring_case(range, "text/*") ? kType : kNotAtAll;
    case Form::kHtml:
      if (equals_ignoring_case(range, "text/html")) return kExactly;
      return equals_ignoring_case(range, "text/*") ? kType : kNotAtAll;
    case Form::kJson:
      if (equals_ignoring_case(range, "application/json")) return kExactly;
      if (range.size() > kJsonSuffix.size() &&
          equals_ignoring_case(range.substr(range.size() - kJsonSuffix.size()), kJsonSuffix))
        return kSuffix;
      return equals_ignoring_case(range, "application/*") ? kType : kNotAtAll;
  }
  return kNotAtAll;
}

}  // namespace

std::string_view content_type_of(Form form) {
  switch (form) {
    case Form::kText:
      return "text/plain; charset=utf-8";
    case Form::kHtml:
      return "text/html; charset=utf-8";
    case Form::kJson:
      return "application/json";
  }
  return {};
}

void Acceptance::ask(const Fields& fields) {
  is_known_ = true;
  for (const Field& field : fields)
    if (field.id == FieldId::kAccept) add(field.value);
}

void Acceptance::ask(std::string_view head) {
  is_known_ = true;
  for (;;) {
    std::size_t end = head.find("\r\n");
    if (end == std::string_view::npos || end == 0) return;
    std::string_view line = head.substr(0, end);
    head.remove_prefix(end + 2);
    std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || !equals_ignoring_case(line.substr(0, colon), "Accept"))
      continue;
    add(line.substr(colon + 1));
  }
}

void Acceptance::add(std::string_view list) {
  std::string_view member;
  while (next_list_member(list, member)) add_range(member);
}

// What is no media range, or has a weight that is none, says nothing.
void Acceptance::add_range(std::string_view range) {
  std::uint32_t weight = kFullWeight;
  std::size_t end = std::min(range.find(';'), range.size());
  std::string_view parameters = range.substr(end);
  range = without_blanks(range.substr(0, end));
  if (range.find('/') == std::string_view::npos) return;
  while (!parameters.empty()) {
    parameters.remove_prefix(1);
    end = std::min(parameters.find(';'), parameters.size());
    std::string_view parameter = without_blanks(parameters.substr(0, end));
    parameters.remove_prefix(end);
    if (!equals_ignoring_case(parameter.substr(0, 2), "q=")) continue;
    std::optional<std::uint32_t> stated = weight_of(parameter.substr(2));
    if (!stated) return;
    weight = *stated;
  }
  is_choosy_ = true;
  std::uint32_t place = static_cast<std::uint32_t>(kLastPlace - ranges_);
  if (ranges_ < kLastPlace) ++ranges_;
  for (std::size_t i = 0; i < kForms; ++i) {
    Precision precision = precision_of(range, static_cast<Form>(i));
    if (precision == kNotAtAll || precision < precisions_[i]) continue;
    std::uint32_t rank = weight == 0 ? 0 : weight << 16 | std::uint32_t{precision} << 8 | place;
    ranks_[i] = precision == precisions_[i] ? std::max(ranks_[i], rank) : rank;
    precisions_[i] = precision;
  }
}

}  // namespace weir::http
