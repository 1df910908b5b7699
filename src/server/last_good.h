#pragma once
// [server] state_dir: what survives the process. Control's loop, but for what runs on the builder
// thread.
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "privileges.h"
#include "weir/base/log.h"
#include "weir/base/result.h"
#include "weir/config/load.h"
#include "weir/net/loop.h"
#include "weir/table/build.h"

namespace weir::server {

// The folder, or none: what the configuration says, else the first of $STATE_DIRECTORY.
struct StateFolder {
  std::string path;  // empty: nothing persists
  bool is_configured = false;
  std::string table_file() const { return path + "/last-good-table"; }
  std::string orders_file() const { return path + "/backend-states"; }
};
StateFolder find_state_folder(const config::Config& config);

// Makes the folder if it is not there, for `user` if weir is going to become one. Errors teach.
Status<> prepare_state_folder(const StateFolder& folder, const std::optional<User>& user);
// Whether this process, as the user that it is now, may work in it.
Status<> check_state_folder(const StateFolder& folder);

// Makes `builder` one that begins where the last run ended, and says how that went in the log. A
// store that is of no use is set aside. `make`: a builder without a past.
void begin_with_last_good(const StateFolder& folder,
                          const std::function<std::unique_ptr<table::Builder>()>& make,
                          std::unique_ptr<table::Builder>& builder, config::LastGoodFiles& files,
                          Log& log);

// Keeps the store as the table is: soon after a change, but not more often than once a minute.
class LastGoodKeeper {
 public:
  // All are the owner's, who ends the loop's background work before this goes.
  LastGoodKeeper(net::Loop& loop, Log& log, std::string file, const table::Builder& builder,
                 const config::LastGoodFiles& files);
  void note_change();
  // The last word, when nothing runs in the background any more.
  void finish();

 private:
  void save();
  void on_saved(const Status<>& saved);
  void on_timer();

  net::Loop& loop_;
  Log& log_;
  std::string file_;
  const table::Builder& builder_;
  const config::LastGoodFiles& files_;
  bool has_news_ = false;
  bool is_saving_ = false;
  bool has_failed_ = false;  // it is said once
  net::Timer pause_;         // armed: the last one was written less than a minute ago
};

}  // namespace weir::server
