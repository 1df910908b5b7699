#include "weir/cli/cli.h"

namespace weir::cli {
namespace {

struct Help {
  std::string_view command;
  std::string_view text;
};

#define OPTIONS                                                                 \
  "\n"                                                                          \
  "  --admin ADDRESS     the admin interface: http://HOST:PORT or unix:PATH;\n" \
  "                      default $WEIR_ADMIN, else http://127.0.0.1:8042\n"     \
  "  --token-file FILE   holds the token for it, alone or as NAME:TOKEN;\n"     \
  "                      default $WEIR_TOKEN_FILE\n"                            \
  "  --json              print the admin interface's JSON\n"

#define EXIT "\nExit: 0 success, 1 failed, 2 bad usage.\n"

constexpr Help kHelp[] = {
    {"status",
     "weir status\n\n"
     "Shows the running weir: state, listeners, table, last reload, totals.\n" OPTIONS EXIT},
    {"pools",
     "weir pools [NAME]\n\n"
     "Lists the pools with their usable backends and requests in flight; with NAME the\n"
     "backends of that pool: state, since when, why, last check.\n" OPTIONS EXIT},
    {"routes",
     "weir routes [GLOB]\n\n"
     "Lists the routes in the order of the files; with GLOB those whose host, or host and\n"
     "path together, match it: '*.example.com', 'www.example.com/api*'.\n" OPTIONS EXIT},
    {"reload",
     "weir reload [--wait]\n\n"
     "Reads the configuration anew. Returns when every worker serves it and says what\n"
     "changed; when something is wrong with it the old one stays and all errors are "
     "printed.\n"
     "\n"
     "  --wait              until nothing is in flight at backends that were removed\n"
     "  --force             apply what a reload would hold back (not in this version)\n" OPTIONS
     "\nExit: 0 success, 1 failed, 2 bad usage or invalid configuration.\n"},
    {"drain",
     "weir drain [--wait]\n\n"
     "Takes the node out of service: /readyz says 503 and answers carry Connection: close.\n"
     "Listeners stay open. weir ready takes it back.\n"
     "\n"
     "  --wait              until no request is in flight\n" OPTIONS EXIT},
    {"ready",
     "weir ready [--wait]\n\n"
     "Takes the node back into service after weir drain.\n"
     "\n"
     "  --wait              until /readyz says so\n" OPTIONS EXIT},
    {"backend",
     "weir backend POOL|'*' ADDR drain|maint|ready [--wait]\n\n"
     "Takes one backend out of service or back. It stays so over reloads.\n"
     "\n"
     "  POOL                its pool; '*' (quoted) for every pool that has it\n"
     "  ADDR                as in the configuration: IP:PORT, [IPv6]:PORT, unix:PATH; or a\n"
     "                      machine's IP address for all of its ports\n"
     "  drain               no new requests; what is under way goes on, checks go on\n"
     "  maint               the same, and it is not checked\n"
     "  ready               back in service\n"
     "  --wait              drain, maint: until nothing is in flight there; ready: until it is\n"
     "                      usable\n" OPTIONS EXIT},
};

}  // namespace

std::string_view help_text(std::string_view command) {
  for (const Help& help : kHelp)
    if (help.command == command) return help.text;
  return {};
}

}  // namespace weir::cli
