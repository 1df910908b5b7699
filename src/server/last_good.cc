#include "last_good.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "weir/table/last_good_store.h"

namespace weir::server {

namespace {

constexpr Duration kPause = std::chrono::minutes(1);

std::string name_of(uid_t uid) {
  const passwd* entry = getpwuid(uid);
  return entry == nullptr ? "uid " + std::to_string(uid) : entry->pw_name;
}

Err<Error> problem(const StateFolder& folder, const std::string& what) {
  return Err{Error{"weir: " + std::string(folder.is_configured ? "[server] state_dir" :
                                                                 "$STATE_DIRECTORY") +
                   ": " + what}};
}

}  // namespace

StateFolder find_state_folder(const config::Config& config) {
  if (!config.server.state_dir.empty()) return {config.server.state_dir, true};
  const char* of_systemd = std::getenv("STATE_DIRECTORY");
  if (of_systemd == nullptr) return {};
  std::string path = of_systemd;
  return {path.substr(0, path.find(':')), false};
}

Status<> prepare_state_folder(const StateFolder& folder, const std::optional<User>& user) {
  struct stat status {};
  const std::string& path = folder.path;
  if (stat(path.c_str(), &status) == 0) {
    if (!S_ISDIR(status.st_mode)) return problem(folder, path + " is no folder");
    return Ok{};
  }
  if (mkdir(path.c_str(), 0750) != 0)
    return problem(folder, "there is no folder " + path + ", and it cannot be made: " +
                               strerrordesc_np(errno) + " (expected one that weir may write in: " +
                               "install -d -m 0750" +
                               (user ? " -o " + user->name : std::string()) + " " + path + ")");
  if (user && chown(path.c_str(), user->uid, user->gid) != 0)
    return problem(folder, "cannot give " + path + " to \"" + user->name +
                               "\": " + strerrordesc_np(errno));
  return Ok{};
}

Status<> check_state_folder(const StateFolder& folder) {
  if (faccessat(AT_FDCWD, folder.path.c_str(), R_OK | W_OK | X_OK, AT_EACCESS) == 0) return Ok{};
  std::string why = strerrordesc_np(errno);
  struct stat status {};
  if (stat(folder.path.c_str(), &status) == 0) {
    std::string me = name_of(geteuid());
    char mode[8];
    std::snprintf(mode, sizeof mode, "%04o", static_cast<unsigned>(status.st_mode & 07777));
    why += " (weir runs as user " + me + ", the folder belongs to " + name_of(status.st_uid) +
           " with mode " + mode + ": chown " + me + " " + folder.path + ")";
  }
  return problem(folder, folder.path + " cannot be written in: " + why);
}

void begin_with_last_good(const StateFolder& folder,
                          const std::function<std::unique_ptr<table::Builder>()>& make,
                          std::unique_ptr<table::Builder>& builder, config::LastGoodFiles& files,
                          Log& log) {
  std::string file = folder.table_file();
  Result<bool> loaded = table::LastGoodStore::load(file, *builder, files);
  if (loaded.ok()) {
    if (*loaded) log.info("compared with the last good table", {{"file", file}});
    return;
  }
  builder = make();
  std::string aside = file + ".unusable";
  bool is_aside = rename(file.c_str(), aside.c_str()) == 0;
  log.error("the last good table cannot be used: this start compares with nothing",
            {{"file", file},
             {"error", loaded.error().message},
             {"set_aside", is_aside ? aside : "no: " + std::string(strerrordesc_np(errno))}});
}

LastGoodKeeper::LastGoodKeeper(net::Loop& loop, Log& log, std::string file,
                               const table::Builder& builder, const config::LastGoodFiles& files)
    : loop_(loop),
      log_(log),
      file_(std::move(file)),
      builder_(builder),
      files_(files),
      pause_(net::Timer::bind<&LastGoodKeeper::on_timer>(this)) {}

void LastGoodKeeper::note_change() {
  has_news_ = true;
  if (!is_saving_ && !pause_.is_armed()) save();
}

void LastGoodKeeper::save() {
  is_saving_ = true;
  has_news_ = false;
  auto saved = std::make_shared<Status<>>(Ok{});
  loop_.run_in_background(
      [this, saved] { *saved = table::LastGoodStore::save(builder_, files_, file_); },
      [this, saved] { on_saved(*saved); });
}

void LastGoodKeeper::on_saved(const Status<>& saved) {
  is_saving_ = false;
  if (!saved.ok()) {
    has_news_ = true;  // tried again when the minute is over
    if (!has_failed_)
      log_.error("the last good table cannot be kept: a restart would not know it",
                 {{"error", saved.error().message}});
  } else if (has_failed_) {
    log_.info("the last good table is kept again", {{"file", file_}});
  }
  has_failed_ = !saved.ok();
  loop_.scheduler().arm(pause_, kPause);
}

void LastGoodKeeper::on_timer() {
  if (has_news_) save();
}

void LastGoodKeeper::finish() {
  pause_.cancel();
  if (!has_news_ && !is_saving_) return;
  Status<> saved = table::LastGoodStore::save(builder_, files_, file_);
  if (!saved.ok())
    log_.error("the last good table cannot be kept: a restart will not know it",
               {{"error", saved.error().message}});
}

}  // namespace weir::server
