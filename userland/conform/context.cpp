#include "userland/conform/context.h"

#include "userland/rt/output.h"

namespace halfcell::userland::conform {

namespace {

constexpr uint64_t kStackSize = 64 * 1024;
constexpr int kPauses = 4000;  // of a millisecond

struct Start {
    ContextEntry entry;
    uint64_t argument;
    uint64_t thread;
};

extern "C" {
void halfcell_conform_context();

// A context of its own ends by the verb that nobody comes back from.
__attribute__((used)) void halfcell_conform_context_main(const Start* start) {
    start->entry(start->argument);
    for (;;)
        (void)write_word(start->thread, "status", static_cast<uint64_t>(Verb::kForceKill));
}
}

// rsi is the start block; nothing else is defined, the control words least of all.
__asm__(
    "    .globl halfcell_conform_context\n"
    "halfcell_conform_context:\n"
    "    cld\n"
    "    xorl %ebp, %ebp\n"
    "    pushq $0x1F80\n"
    "    ldmxcsr (%rsp)\n"
    "    popq %rax\n"
    "    movq %rsi, %rdi\n"
    "    call halfcell_conform_context_main\n"
    "    ud2\n");

uint64_t select(uint64_t thread, std::string_view name, std::span<const uint64_t> words) {
    const uint64_t handle = dup(thread, name);
    if (abi::demux_errno(handle) != 0) return handle;
    const uint64_t written = write(handle, words.data(), words.size_bytes());
    const uint64_t closed = close(handle);
    return abi::demux_errno(written) != 0 ? written : closed;
}

bool ended(Status status) {
    return status == Status::kDead || status == Status::kForceKilled || status == Status::kUnhandledExcp;
}

}  // namespace

void pause() {
    (void)sys_nanosleep({0, 1'000'000});
}

uint64_t write_word(uint64_t thread, std::string_view name, uint64_t value) {
    const uint64_t handle = dup(thread, name);
    if (abi::demux_errno(handle) != 0) return handle;
    const uint64_t written = write(handle, &value, sizeof value);
    (void)close(handle);
    return written;
}

LaidOut lay_out_context(ContextEntry entry, uint64_t argument) {
    const uint64_t thread = OK(new_context());
    const uint64_t stack = OK(anon(kStackSize, kRw));
    const uint64_t top = stack + kStackSize - 64;
    *reinterpret_cast<Start*>(top) = {entry, argument, thread};
    return {thread, top};
}

uint64_t furnish_context(const LaidOut& context, uint64_t space, uint64_t table) {
    const std::array<uint64_t, 4> image{space, context.top,
                                        reinterpret_cast<uint64_t>(&halfcell_conform_context), context.top};
    const uint64_t placed = select(context.thread, "current-addrspace", image);
    if (abi::demux_errno(placed) != 0) return placed;
    return select(context.thread, "current-filetable", std::span(&table, 1));
}

Context::Context(ContextEntry entry, uint64_t argument) {
    const uint64_t self = own_thread();
    const uint64_t space = OK(dup(self, "addrspace"));
    const uint64_t table = OK(dup(self, "filetable"));
    const LaidOut context = lay_out_context(entry, argument);
    OK(furnish_context(context, space, table));
    fd_ = context.thread;
    (void)close(space);
    (void)close(table);
}

Context Context::started(ContextEntry entry, uint64_t argument) {
    Context context(entry, argument);
    EXPECT(context.start(), 0);
    return context;
}

uint64_t Context::start() const {
    const uint64_t handle = OK(dup(fd_, "start"));
    const uint64_t answer = write(handle, "", 0);
    (void)close(handle);
    return answer;
}

abi::CtxtStsBuf Context::full_status() const {
    abi::CtxtStsBuf status{};
    const uint64_t handle = OK(dup(fd_, "status"));
    OK(read(handle, &status, sizeof status));
    (void)close(handle);
    return status;
}

Status Context::status() const {
    return static_cast<Status>(full_status().status);
}

uint64_t Context::verb(Verb verb) const {
    return write_word(fd_, "status", static_cast<uint64_t>(verb));
}

void Context::wait_for(Status wanted) const {
    for (int i = 0; i < kPauses; ++i) {
        const Status now = status();
        if (now == wanted) return;
        if (ended(now)) break;
        pause();
    }
    fail(concat("a context has status ", static_cast<uint64_t>(status()), ", expected ",
                static_cast<uint64_t>(wanted)));
}

Status Context::wait_for_end() const {
    for (int i = 0; i < kPauses; ++i) {
        const Status now = status();
        if (ended(now)) return now;
        pause();
    }
    fail("a context does not end");
}

void expect_fault(std::string_view what, ContextEntry entry, uint64_t argument, Fault fault) {
    const Context context = Context::started(entry, argument);
    const Status status = context.wait_for_end();
    const abi::CtxtStsBuf full = context.full_status();
    if (status == Status::kUnhandledExcp && full.excp.kind == fault.kind && full.excp.code == fault.code &&
        full.excp.address == fault.address)
        return;
    fail(concat(what, ": status ", static_cast<uint64_t>(status), ", kind ", full.excp.kind, ", code ",
                full.excp.code, ", address ", full.excp.address, "; expected exception ", fault.kind,
                ", code ", fault.code, ", address ", fault.address));
}

void expect_no_fault(std::string_view what, ContextEntry entry, uint64_t argument) {
    const Context context = Context::started(entry, argument);
    const Status status = context.wait_for_end();
    if (status != Status::kDead) fail(concat(what, ": ends with status ", static_cast<uint64_t>(status)));
}

}  // namespace halfcell::userland::conform
