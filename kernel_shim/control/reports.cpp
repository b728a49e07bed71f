#include "kernel_shim/control/reports.h"

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <string>

#include "kernel_shim/scheme/registry.h"
#include "kernel_shim/syscall/call_table.h"

namespace halfcell::control {

namespace {

// A list that is cut off.
class Rows {
  public:
    void add(OrderedJson row) {
        if (list_.size() < kMostRows)
            list_.push_back(std::move(row));
        else
            ++left_off_;
    }
    // A report that has the list by that name. Once.
    OrderedJson report_as(const char* name) {
        OrderedJson report;
        report[name] = std::move(list_);
        if (left_off_ != 0) report["left_off"] = left_off_;
        return report;
    }

  private:
    OrderedJson list_ = OrderedJson::array();
    std::uint64_t left_off_ = 0;
};

std::string_view state_of(task::Context& context) {
    switch (context.state()) {
        case task::RunState::kNotStarted:
            return "not started";
        case task::RunState::kStopped:
            return "stopped";
        case task::RunState::kDead:
            return "dead";
        case task::RunState::kRunnable:
            break;
    }
    return context.waiter().reason() != nullptr ? "blocked" : "running";
}

OrderedJson thread_row(task::Context& context) {
    OrderedJson row;
    row["context"] = context.id().value();
    row["state"] = state_of(context);
    if (const auto call = context.current_call()) {
        const syscall::CallRow* const known = syscall::find_call(call->number);
        row["call"] = known != nullptr ? OrderedJson(known->name) : OrderedJson(call->number);
    }
    if (const char* const reason = context.waiter().reason()) row["reason"] = reason;
    return row;
}

// One living context of a process that a report about the whole process can be made of. ESRCH.
Result<std::shared_ptr<task::Context>> context_of(const task::Kernel& kernel, std::uint32_t pid) {
    for (auto& context : kernel.contexts.all())
        if (context->state() != task::RunState::kDead && context->attributes().pid == pid)
            return std::move(context);
    return fail(Errno::kESRCH);
}

// What the scheme calls the handle; empty where it does not say, or a program would have to be asked.
std::string path_of(const scheme::FileDescription& description, const scheme::Caller& caller) {
    const auto scheme = description.scheme();
    if (!scheme || !(*scheme)->in_process()) return "";
    std::array<std::byte, 4096> path;
    const auto size = (*scheme)->fpath(caller, description.number(), mem::UserOut::local(path));
    if (!size) return "";
    return {reinterpret_cast<const char*>(path.data()), std::min<std::size_t>(*size, path.size())};
}

std::string_view name_of(mem::GrantKind kind) {
    switch (kind) {
        case mem::GrantKind::kPrivate:
            return "private";
        case mem::GrantKind::kContiguous:
            return "contiguous";
        case mem::GrantKind::kShared:
            return "shared";
        case mem::GrantKind::kPhysical:
            return "physical";
        case mem::GrantKind::kBorrowed:
            return "borrowed";
        case mem::GrantKind::kFile:
            return "file";
    }
    return "";
}

std::string rights_of(machine::Protection protection) {
    return {'r', protection.write ? 'w' : '-', protection.execute ? 'x' : '-'};
}

OrderedJson name_row(const ContextInGraph& one) {
    OrderedJson row;
    row["pid"] = one.pid;
    row["context"] = one.context;
    row["name"] = one.name;
    return row;
}

}  // namespace

OrderedJson report_processes(const task::Kernel& kernel, std::span<const ProcessSummary> processes) {
    std::map<std::uint32_t, std::vector<std::shared_ptr<task::Context>>> threads;
    for (auto& context : kernel.contexts.all())
        threads[context->attributes().pid].push_back(std::move(context));
    Rows rows;
    for (const ProcessSummary& process : processes) {
        OrderedJson row;
        row["pid"] = process.pid;
        row["parent"] = process.parent;
        row["group"] = process.group;
        row["session"] = process.session;
        row["name"] = process.name;
        row["state"] = process.state;
        OrderedJson of_process = OrderedJson::array();
        for (const auto& context : threads[process.pid]) {
            if (of_process.empty()) {
                const task::Attributes attributes = context->attributes();
                row["euid"] = attributes.euid;
                row["egid"] = attributes.egid;
            }
            of_process.push_back(thread_row(*context));
        }
        row["threads"] = std::move(of_process);
        rows.add(std::move(row));
    }
    return rows.report_as("processes");
}

Result<OrderedJson> report_descriptors(const task::Kernel& kernel, std::uint32_t pid) {
    const auto context = TRY(context_of(kernel, pid));
    const auto files = context->files();
    if (files == nullptr) return fail(Errno::kESRCH);
    wait::Waiter never;  // fpath of a scheme in the supervisor does not sleep
    const scheme::Caller caller{context->id(), pid, 0, 0, never};
    Rows rows;
    for (const auto& [number, descriptor] : files->snapshot()) {
        const scheme::FileDescription& description = *descriptor.description;
        OrderedJson row;
        row["fd"] = fd::index_of(number.value());
        if (fd::is_upper(number.value())) row["upper"] = true;
        if (descriptor.cloexec) row["cloexec"] = true;
        const auto scheme = description.scheme();
        row["scheme"] = scheme ? OrderedJson((*scheme)->name()) : OrderedJson();
        row["scheme_id"] = description.scheme_id().value();
        row["handle"] = description.number().value();
        row["flags"] = description.flags();
        if (description.positioned()) row["offset"] = description.offset();
        if (const std::string path = path_of(description, caller); !path.empty()) row["path"] = path;
        rows.add(std::move(row));
    }
    return rows.report_as("descriptors");
}

Result<OrderedJson> report_maps(const task::Kernel& kernel, std::uint32_t pid) {
    const auto context = TRY(context_of(kernel, pid));
    const auto space = context->address_space();
    if (space == nullptr) return fail(Errno::kESRCH);
    Rows rows;
    for (const mem::Grant& grant : space->grants()) {
        OrderedJson row;
        row["base"] = grant.range.base;
        row["size"] = grant.range.size;
        row["rights"] = rights_of(grant.protection);
        row["kind"] = name_of(grant.kind);
        if (grant.kind == mem::GrantKind::kFile) row["file_offset"] = grant.file_offset;
        if (grant.copy_on_write) row["copy_on_write"] = true;
        if (grant.pinned()) row["pinned"] = true;
        rows.add(std::move(row));
    }
    return rows.report_as("maps");
}

OrderedJson report_schemes(const task::Kernel& kernel) {
    // Who holds which socket of the manager serves the scheme of that number.
    std::map<std::uint64_t, std::uint32_t> servers;
    for (const auto& context : kernel.contexts.all()) {
        const auto files = context->files();
        if (files == nullptr) continue;
        for (const auto& [number, descriptor] : files->snapshot())
            if (descriptor.description->scheme_id() == scheme::kSchemeManagerId)
                servers.try_emplace(descriptor.description->number().value(), context->attributes().pid);
    }
    Rows rows;
    for (const auto& scheme : kernel.schemes.all()) {
        OrderedJson row;
        row["id"] = scheme->id().value();
        row["name"] = scheme->name();
        const auto server = servers.find(scheme->id().value());
        if (scheme->in_process())
            row["served_by"] = "halfcell";
        else if (server != servers.end())
            row["served_by"] = server->second;
        else
            row["served_by"] = "a program outside";
        rows.add(std::move(row));
    }
    return rows.report_as("schemes");
}

OrderedJson report_waits(const WaitGraph& graph) {
    Rows rows;
    for (const ContextInGraph& one : graph.contexts) {
        if (one.reason.empty()) continue;
        OrderedJson row = name_row(one);
        row["reason"] = one.reason;
        if (!one.call.empty()) row["call"] = one.call;
        if (one.timed) row["timed"] = true;
        if (one.wakers) {
            OrderedJson wakers = OrderedJson::array();
            for (const ContextIndex waker : *one.wakers)
                wakers.push_back(name_row(graph.contexts[waker]));
            row["waits_for"] = std::move(wakers);
        }
        rows.add(std::move(row));
    }
    OrderedJson deadlocks = OrderedJson::array();
    for (const Deadlock& deadlock : graph.deadlocks)
        deadlocks.push_back(describe_deadlock(graph, deadlock));
    OrderedJson report = rows.report_as("waits");
    report["deadlocks"] = std::move(deadlocks);
    return report;
}

OrderedJson report_kernel(const task::Kernel& kernel) {
    std::map<std::string_view, std::uint64_t> by_state;
    std::uint64_t alive = 0;
    for (const auto& context : kernel.contexts.all()) {
        ++by_state[state_of(*context)];
        ++alive;
    }
    OrderedJson contexts;
    contexts["alive"] = alive;
    contexts["created"] = kernel.contexts.created();
    if (kernel.contexts.limit() != UINT64_MAX) contexts["limit"] = kernel.contexts.limit();
    for (const auto& [state, count] : by_state)
        contexts[std::string(state)] = count;
    OrderedJson memory;
    memory["used"] = kernel.pool.used();
    if (kernel.pool.limit() != UINT64_MAX) memory["limit"] = kernel.pool.limit();
    OrderedJson report;
    report["uptime_ns"] = kernel.clock.monotonic();
    report["contexts"] = std::move(contexts);
    report["memory"] = std::move(memory);
    report["futexes"] = {{"addresses", kernel.futexes.address_count()},
                         {"waiters", kernel.futexes.waiter_count()}};
    report["events"] = {{"sources", kernel.events.source_count()},
                        {"subscriptions", kernel.events.subscription_count()}};
    return report;
}

}  // namespace halfcell::control
