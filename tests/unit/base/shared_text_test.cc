#include "weir/base/shared_text.h"

#include <doctest/doctest.h>

using weir::SharedText;

TEST_CASE("a shared text is the same text for all who hold it") {
  SharedText first("www.example.com");
  SharedText second = first;
  CHECK(first == second);
  CHECK(first.view().data() == second.view().data());
  CHECK(first == SharedText(std::string("www.example.com")));
  CHECK_FALSE(first == SharedText("www.example.org"));
  CHECK(first == "www.example.com");
  CHECK(first.str() == "www.example.com");
  SharedText moved = std::move(first);
  CHECK(moved == second);
  second = SharedText("another");
  CHECK(moved == "www.example.com");
  CHECK(second == std::string_view("another"));
}

TEST_CASE("a shared text without bytes holds no memory") {
  SharedText none;
  CHECK(none.empty());
  CHECK(none == SharedText(""));
  CHECK(none == "");
  CHECK(none.view().empty());
  SharedText some("a");
  some = none;
  CHECK(some.empty());
  SharedText with_zero(std::string_view("a\0b", 3));
  CHECK(with_zero.view().size() == 3);
}

TEST_CASE("a shared text outlives the one it was copied from") {
  SharedText copy;
  {
    SharedText text("runner.internal:9003");
    copy = text;
    SharedText& same = copy;
    copy = same;
  }
  CHECK(copy == "runner.internal:9003");
}
