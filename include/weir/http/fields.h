#pragma once
// Header fields of one message as spans into the bytes they were parsed from, in their order, with
// the names that weir treats specially recognised once. Pure values; the bytes' owner keeps them
// alive.
#include <cstdint>
#include <string_view>
#include <vector>

namespace weir::http {

// Names that weir looks at. kOther is every other name.
enum class FieldId : std::uint8_t {
  kOther,
  kHost,
  kContentLength,
  kTransferEncoding,
  kConnection,
  kKeepAlive,
  kProxyConnection,
  kTe,
  kTrailer,
  kUpgrade,
  kHttp2Settings,
  kExpect,
  kMaxForwards,
  kVia,
  kForwarded,
  kXForwardedFor,
  kXForwardedProto,
  kXForwardedHost,
  kXForwardedPort,
  kXRequestId,
  kTraceparent,
  kDate,
  kAuthorization,
  kCookie,
  kUserAgent,
  kReferer,
  kAccept,
  kServer,
  kLocation,
  kOrigin,
  // Spelled with underscores where a CGI gateway would read one of ours (R16): X_Forwarded_For …
  kGatewayAlias,
  // The same of a field that frames: Content_Length, Transfer_Encoding.
  kFramingAlias,
};

// Case-insensitive.
FieldId field_id(std::string_view name);
// X-Forwarded-* as a CGI gateway reads it: in any case, with '_' or the like for '-' (R15, R16).
bool has_forwarded_prefix(std::string_view name);

struct Field {
  std::string_view name;
  std::string_view value;  // without surrounding white space
  FieldId id = FieldId::kOther;
  // The bytes from the name's first to two behind the value are "Name: value\r\n", so that the line
  // may be copied as it stands. Set by the parser.
  bool is_verbatim = false;
};

class Fields {
 public:
  using const_iterator = std::vector<Field>::const_iterator;
  void clear() { fields_.clear(); }
  void add(std::string_view name, std::string_view value, bool is_verbatim = false) {
    fields_.push_back({name, value, field_id(name), is_verbatim});
  }
  void add(const Field& field) { fields_.push_back(field); }
  template <typename Predicate>
  void remove_if(Predicate is_unwanted) {
    std::erase_if(fields_, is_unwanted);
  }
  std::size_t size() const { return fields_.size(); }
  bool is_empty() const { return fields_.empty(); }
  const_iterator begin() const { return fields_.begin(); }
  const_iterator end() const { return fields_.end(); }
  // The first field of that id, or null.
  const Field* find(FieldId id) const {
    for (const Field& field : fields_)
      if (field.id == id) return &field;
    return nullptr;
  }
  // Its value, or empty.
  std::string_view value(FieldId id) const {
    const Field* field = find(id);
    return field == nullptr ? std::string_view{} : field->value;
  }

 private:
  std::vector<Field> fields_;
};

bool equals_ignoring_case(std::string_view a, std::string_view b);
// Walks a comma-separated list (RFC 9110 §5.6.1): trims SP and HTAB, skips empty members. Quoted
// strings may hold commas. `list` loses what was returned; false at the end.
bool next_list_member(std::string_view& list, std::string_view& member);

}  // namespace weir::http
