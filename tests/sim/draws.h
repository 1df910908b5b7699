#pragma once
// What chance makes of the parts of a story. Pure functions of the choices.
#include <optional>
#include <string>

#include "sim/backend.h"
#include "sim/chance.h"
#include "sim/client.h"
#include "sim/network.h"

namespace weir::sim {

// The mood of a run: how much of what goes wrong.
struct Weather {
  bool is_clean = false;        // nothing goes wrong; everything must succeed
  bool is_choppy = false;       // everything arrives in pieces
  unsigned backend_faults = 0;  // percent of answers
  unsigned dial_faults = 0;     // percent of connects
  unsigned client_faults = 0;   // percent of clients
};
Weather draw_weather(Chance& chance);
Nature draw_nature(Chance& chance, const Weather& weather);
Dial draw_dial(Chance& chance, const Weather& weather, const Nature& nature);
Answer draw_answer(Chance& chance, const Weather& weather, const Request& request,
                   std::optional<Duration> idle_limit);
ClientPlan draw_client(Chance& chance, const Weather& weather);
std::string draw_babble(Chance& chance);
std::string draw_check_answer(Chance& chance);

}  // namespace weir::sim
