#include "heads.h"

#include <algorithm>

namespace weir::fuzz {

std::string described(const http::Fields& fields) {
  std::string out;
  for (const http::Field& field : fields) {
    out.append("|").append(field.name).append("=").append(field.value);
    out.append("#").append(std::to_string(static_cast<int>(field.id)));
    out.append(field.is_verbatim ? "v" : "");
  }
  return out;
}

std::string described(const http::HeadResult& result) {
  if (result.status == http::HeadStatus::kIncomplete) return "incomplete";
  if (result.status == http::HeadStatus::kComplete) return "complete";
  return std::string(row_of(result.failure).name) + ": " + std::string(result.reason);
}

void check_agreement(const http::HeadResult& result, Verdict naive, std::string_view bytes) {
  auto what = [&] {
    return shown(bytes) + "\n" + described(result) + ", naively " +
           std::to_string(static_cast<int>(naive));
  };
  switch (result.status) {
    case http::HeadStatus::kComplete:
      HOLDS(naive == Verdict::kFine, what());
      break;
    case http::HeadStatus::kRefused:
      HOLDS(naive == Verdict::kRefused, what());
      HOLDS(!result.reason.empty(), what());
      break;
    case http::HeadStatus::kIncomplete:
      HOLDS(naive != Verdict::kFine, what());
      break;
  }
}

void check_fields(const http::Fields& fields, const NaiveHead& naive) {
  HOLDS(fields.size() == naive.fields.size());
  std::size_t i = 0;
  for (const http::Field& field : fields) {
    const auto& [name, value] = naive.fields[i++];
    HOLDS(field.name == name, shown(name));
    HOLDS(field.value == value, shown(name) + " " + shown(value));
    if (!field.is_verbatim) continue;
    std::string line = name + ": " + value + "\r\n";
    HOLDS(std::string_view(field.name.data(), line.size()) == line, shown(line));
  }
}

std::string passing(const http::Fields& fields, const NaiveHead& naive, bool is_response) {
  // R13, R15, R16, R17: removed, written anew, or looked at by the target itself.
  constexpr std::string_view kForRequests[] = {"host",         "forwarded",    "x-request-id",
                                               "max-forwards", "max_forwards", "expect"};
  constexpr std::string_view kForBoth[] = {
      "connection", "keep-alive",     "proxy-connection", "te",  "transfer-encoding",
      "upgrade",    "http2-settings", "content-length",   "via", "trailer",
      "date"};
  std::vector<std::string> named;
  for (const std::string& list : naive.values("connection"))
    for (const std::string& option : members(list)) named.push_back(lower(option));
  std::string out;
  for (const http::Field& field : fields) {
    std::string name = lower(field.name);
    bool is_ours = std::find(std::begin(kForBoth), std::end(kForBoth), name) != std::end(kForBoth);
    if (!is_response) {
      is_ours = is_ours || std::find(std::begin(kForRequests), std::end(kForRequests), name) !=
                               std::end(kForRequests);
      is_ours = is_ours || http::has_forwarded_prefix(name) ||
                field.id == http::FieldId::kGatewayAlias ||
                field.id == http::FieldId::kFramingAlias;
    }
    if (is_ours || std::find(named.begin(), named.end(), name) != named.end()) continue;
    out.append(field.name).append(": ").append(field.value).append("\n");
  }
  return out;
}

}  // namespace weir::fuzz
