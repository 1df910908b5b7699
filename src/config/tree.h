#pragma once
// A TOML document as plain values with their places, members in the order of the file. tree.cc is
// the only file that includes toml++; its exceptions end there. Pure values.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/result.h"

namespace weir::config {

struct Member;

struct Node {
  enum class Kind : std::uint8_t { kString, kInteger, kNumber, kBoolean, kDate, kList, kTable };
  Kind kind = Kind::kTable;
  unsigned line = 0;  // from 1
  unsigned column = 0;
  std::string text;             // kString
  std::int64_t integer = 0;     // kInteger
  double number = 0;            // kNumber
  bool boolean = false;         // kBoolean
  std::vector<Node> items;      // kList
  std::vector<Member> members;  // kTable

  bool is_table() const { return kind == Kind::kTable; }
  bool is_list_of_tables() const;
  // The member's value, or null.
  const Node* find(std::string_view key) const;
  // What it is, for messages: `"10s"`, `the integer 10`, `a table`.
  std::string description() const;
};

struct Member {
  std::string key;
  unsigned line = 0;  // of the key
  unsigned column = 0;
  Node value;
};

struct SyntaxError {
  unsigned line = 0;
  unsigned column = 0;
  std::string message;
};

// The complaint is the parser's own; syntax.h explains it.
Result<Node, SyntaxError> parse_toml(std::string_view text);
// As a TOML string, in quotes.
std::string in_quotes(std::string_view text);

}  // namespace weir::config
