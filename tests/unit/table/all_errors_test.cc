#include <doctest/doctest.h>

#include "weir/table/build.h"

namespace weir::table::test {

TEST_CASE("errors come in the order of files as they were read, whatever their names") {
  config::Loaded loaded;
  loaded.files = {"weir.toml", "a.toml"};
  loaded.errors = {{{"weir.toml", 7, 1}, "later"},
                   {{"weir.toml", 2, 1}, "first"},
                   {{"a.toml", 1, 1}, "in another file"}};
  Builder builder(1, 0);
  Builder::Built built;
  std::vector<config::Diagnostic> errors = all_errors(loaded, builder, built);
  REQUIRE(errors.size() == 3);
  CHECK(errors[0].message == "first");
  CHECK(errors[1].message == "later");
  CHECK(errors[2].message == "in another file");
}

}  // namespace weir::table::test
