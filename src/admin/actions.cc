// The pages that change something.
#include "json.h"
#include "pages.h"
#include "query.h"

namespace weir::admin {
namespace {

constexpr std::string_view kJson = "application/json";

// Addresses have one spelling in the table: "[0:0::1]:80" is "[::1]:80" there.
std::string canonical_address(const std::string& text) {
  if (Result<Endpoint> endpoint = Endpoint::parse(text); endpoint.ok()) return endpoint->text();
  if (Result<IpAddress> machine = IpAddress::parse(text); machine.ok()) return machine->ip_text();
  return text;
}

void set_backend(AdminSource& source, const PageRequest& request, backend::AdminState state,
                 const Reply& reply) {
  source.set_backend(request.arguments[0], canonical_address(request.arguments[1]), state,
                     request.by, [reply, state](Result<SetReport, Refusal> report) {
                       if (!report.ok()) return reply.send(error_answer(report.error()));
                       reply.send({200, kJson, set_json(state, *report), {}, {}});
                     });
}

void set_in_service(AdminSource& source, const PageRequest& request, bool is_in_service,
                    const Reply& reply) {
  source.set_in_service(is_in_service, request.by, [reply, &source](Result<Ok, Refusal> done) {
    if (!done.ok()) return reply.send(error_answer(done.error()));
    reply.send({200, kJson, service_json(source.state()), {}, {}});
  });
}

}  // namespace

void api_reload(AdminSource& source, const PageRequest& request, Reply reply) {
  using Force = table::Builder::Force;
  std::string force = parameter(request.query, "force").value_or("0");
  if (force != "0" && force != "1")
    return reply.send(error_answer(400, "bad_parameter", "force: expected 1 or 0"));
  source.reload(request.by, force == "1" ? Force::kYes : Force::kNo, [reply](Result<ReloadReport, Refusal> report) {
    if (!report.ok()) return reply.send(error_answer(report.error()));
    reply.send({200, kJson, reload_json(*report), {}, {}});
  });
}

void api_drain(AdminSource& source, const PageRequest& request, Reply reply) {
  set_in_service(source, request, false, reply);
}

void api_ready(AdminSource& source, const PageRequest& request, Reply reply) {
  set_in_service(source, request, true, reply);
}

void drain_backend(AdminSource& source, const PageRequest& request, Reply reply) {
  set_backend(source, request, backend::AdminState::kDrain, reply);
}

void maint_backend(AdminSource& source, const PageRequest& request, Reply reply) {
  set_backend(source, request, backend::AdminState::kMaint, reply);
}

void ready_backend(AdminSource& source, const PageRequest& request, Reply reply) {
  set_backend(source, request, backend::AdminState::kReady, reply);
}

}  // namespace weir::admin
