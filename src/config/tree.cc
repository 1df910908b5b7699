#include "tree.h"

#include <toml++/toml.h>

#include <algorithm>
#include <utility>

namespace weir::config {
namespace {

constexpr std::size_t kMaxShownBytes = 80;

void put_place(Node& node, const toml::source_position& position) {
  node.line = position.line;
  node.column = position.column;
}

Node convert(const toml::node& from);

// toml++ sorts by name; messages and listeners go by the order of the file.
void convert_members(const toml::table& from, Node& to) {
  for (const auto& [key, value] : from) {
    const toml::source_position& begin = key.source().begin;
    to.members.push_back({std::string(key.str()), begin.line, begin.column, convert(value)});
  }
  std::stable_sort(to.members.begin(), to.members.end(), [](const Member& a, const Member& b) {
    return std::pair(a.line, a.column) < std::pair(b.line, b.column);
  });
}

Node convert(const toml::node& from) {
  Node to;
  put_place(to, from.source().begin);
  if (const toml::table* table = from.as_table()) {
    convert_members(*table, to);
  } else if (const toml::array* list = from.as_array()) {
    to.kind = Node::Kind::kList;
    for (const toml::node& item : *list) to.items.push_back(convert(item));
  } else if (const auto* text = from.as_string()) {
    to.kind = Node::Kind::kString;
    to.text = text->get();
  } else if (const auto* integer = from.as_integer()) {
    to.kind = Node::Kind::kInteger;
    to.integer = integer->get();
  } else if (const auto* boolean = from.as_boolean()) {
    to.kind = Node::Kind::kBoolean;
    to.boolean = boolean->get();
  } else {
    to.kind = from.is_floating_point() ? Node::Kind::kNumber : Node::Kind::kDate;
    to.number = from.value_or(0.0);
  }
  return to;
}

}  // namespace

bool Node::is_list_of_tables() const {
  return kind == Kind::kList && !items.empty() &&
         std::all_of(items.begin(), items.end(), [](const Node& item) { return item.is_table(); });
}

const Node* Node::find(std::string_view key) const {
  for (const Member& member : members) {
    if (member.key == key) return &member.value;
  }
  return nullptr;
}

std::string Node::description() const {
  switch (kind) {
    case Kind::kString:
      if (text.size() <= kMaxShownBytes) return in_quotes(text);
      return in_quotes(text.substr(0, kMaxShownBytes)) + "…";
    case Kind::kInteger:
      return "the integer " + std::to_string(integer);
    case Kind::kNumber:
      return "a number with a fraction";
    case Kind::kBoolean:
      return boolean ? "true" : "false";
    case Kind::kDate:
      return "a date or time";
    case Kind::kList:
      return "a list";
    case Kind::kTable:
      return "a table";
  }
  return {};
}

Result<Node, SyntaxError> parse_toml(std::string_view text) {
  try {
    return convert(toml::parse(text));
  } catch (const toml::parse_error& error) {
    const toml::source_position& begin = error.source().begin;
    return Err{SyntaxError{begin.line, begin.column, std::string(error.description())}};
  }
}

std::string in_quotes(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out = "\"";
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte == 0x7f) {
      out += "\\u00";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += c;
    }
  }
  return out + "\"";
}

}  // namespace weir::config
