// The access log as the configuration wants it: opened with a version, shared by those that agree.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "control.h"
#include "version.h"

namespace weir::server {

namespace {

observe::AccessFormat format_of(config::AccessFormat format) {
  switch (format) {
    case config::AccessFormat::kLogfmt:
      return observe::AccessFormat::kLogfmt;
    case config::AccessFormat::kJson:
      return observe::AccessFormat::kJson;
    case config::AccessFormat::kCombined:
      return observe::AccessFormat::kCombined;
  }
  return observe::AccessFormat::kLogfmt;
}

bool is_written_alike(const config::LogConfig& a, const config::LogConfig& b) {
  return a.access == b.access && a.access_format == b.access_format;
}

// Whoever starts it as root does not think of the user that it becomes. `user`: "" = none.
std::string whose_fault(const std::string& path, const std::string& user) {
  auto may = [](const std::string& name, int mode) {
    return faccessat(AT_FDCWD, name.c_str(), mode, AT_EACCESS) == 0 || errno != EACCES;
  };
  if (user.empty()) return {};
  std::string who = " (weir has become user " + user + ", who may not write ";
  if (!may(path, W_OK)) return who + "this file)";
  std::string folder = std::filesystem::path(path).parent_path().string();
  return may(folder, W_OK | X_OK) ? std::string() : who + "into " + folder + ")";
}

}  // namespace

// At start, or on the builder thread. `before`: the version that is served, or null.
std::optional<Error> Control::open_access_log(Version& version, const Version* before) {
  const config::LogConfig& wanted = version.loaded.config->log;
  if (wanted.access.kind == config::AccessTarget::Kind::kOff) return std::nullopt;
  if (before != nullptr && before->access_log != nullptr &&
      is_written_alike(wanted, before->loaded.config->log)) {
    version.access_log = before->access_log;
    return std::nullopt;
  }
  observe::AccessLogOptions options;
  options.path = wanted.access.path;
  options.format = format_of(wanted.access_format);
  options.workers = worker_count_;
  auto opened = observe::AccessLog::open(std::move(options), clock_, log_, dropped_lines_);
  if (!opened.ok())
    return Error{opened.error().message +
                 whose_fault(wanted.access.path, started_with_.server.user)};
  version.access_log = std::move(opened).value();
  return std::nullopt;
}

void Control::reopen_logs() {
  const std::shared_ptr<observe::AccessLog>& log = current_->access_log;
  if (log == nullptr || log->options().path.empty()) {
    log_.info("no log files to reopen");
    return;
  }
  log->reopen();
}

}  // namespace weir::server
