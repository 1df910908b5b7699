#pragma once
// The table that is served, in a file, so that a start goes on where the last run ended (CONTRACT
// §2): what was good is the earlier version of what is bad now, and the guard compares with it.
// Everything that a Builder knows of the version before is in it: keys with the files that they
// stand in and where they lead, pools with their settings and backends, what is held back, and the
// texts of TOML files that could be parsed.
#include <string>

#include "weir/base/result.h"
#include "weir/config/load.h"
#include "weir/table/build.h"

namespace weir::table {

class LastGoodStore {
 public:
  // On the thread of `builder`. An error leaves the file before.
  static Status<> save(const Builder& builder, const config::LastGoodFiles& files,
                       const std::string& path);
  // Into a builder that has not built yet. False: there is no such file. An error says why it is of
  // no use; then neither is the builder.
  static Result<bool> load(const std::string& path, Builder& builder,
                           config::LastGoodFiles& files);

 private:
  struct Contents;
};

}  // namespace weir::table
