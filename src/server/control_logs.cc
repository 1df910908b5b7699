// The access log as the configuration wants it: opened with a version, shared by those that agree.
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
  if (!opened.ok()) return opened.error();
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
