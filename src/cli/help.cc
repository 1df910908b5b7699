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
     "Lists the routes by host and path; with GLOB those whose host, or host and path\n"
     "together, it matches as a text: '*' stands for any characters, dots included, '?' for\n"
     "one. So '*.example.com' (quoted) lists every host that ends so, wildcards too. A GLOB\n"
     "without either is a host, as in the files, or host and path: when there is no such\n"
     "route, those of the host are listed that would answer for it.\n" OPTIONS
     "\nExit: 0 success, 1 failed or no route, 2 bad usage.\n"},
    {"explain",
     "weir explain [-c FILE] [--method M] URL\n\n"
     "Says where a request for that URL goes and why: the hosts that were looked up, the\n"
     "routes of the host that matched and why each lost, where the winner stands, and which\n"
     "backends of its pool may get the request; or what weir would answer itself. Asks the\n"
     "running weir, or with -c a file, of whose backends nothing is known.\n"
     "\n"
     "  URL                 http://HOST/PATH, https://HOST/PATH, or HOST/PATH for http; https is\n"
     "                      what a trusted proxy reports\n"
     "  -c, --config FILE   read this configuration instead of asking\n"
     "  --method M          of the request; default GET\n" OPTIONS
     "\nExit: 0 success, 1 failed, 2 bad usage or invalid configuration.\n"},
    {"diff",
     "weir diff A B\n\n"
     "Says how two tables differ: hosts added, removed and moved, pools and backends changed,\n"
     "hosts left without a usable backend in B. Each of A and B is a configuration FILE or a\n"
     "running weir, by the address of its admin interface: http://HOST:PORT or unix:PATH.\n"
     "\n"
     "  --all               show all of them, not the first 20 of each kind\n"
     "  --token-file FILE   holds the token for running ones, alone or as NAME:TOKEN;\n"
     "                      default $WEIR_TOKEN_FILE\n"
     "  --json              print all of it as JSON\n"
     "\nExit: 0 the same, 1 different, 2 bad usage, or one of them cannot be read.\n"},
    {"reload",
     "weir reload [--force] [--wait]\n\n"
     "Reads the configuration anew. Returns when every worker serves it and says what\n"
     "changed: hosts and pools that came, went or moved, backends that were drained and how\n"
     "many requests go on there. When something is wrong with it the old one stays and all\n"
     "errors are printed.\n"
     "\n"
     "  --wait              until nothing is in flight at backends that were removed\n"
     "  --force             let go what is held back: hosts and backends that files have lost in\n"
     "                      too great number ([routes] max_removed)\n" OPTIONS
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
     "Takes one backend out of service or back. It stays so over reloads,\n"
     "and over restarts where weir has a [server] state_dir.\n"
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
