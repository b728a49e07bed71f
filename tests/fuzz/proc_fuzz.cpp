// links: halfcell_syscall halfcell_schemes_kernel halfcell_schemes_proc halfcell_schemes_procmgr
// links: halfcell_test_support
//
// Random calls about processes: on the descriptors of processes, threads and contexts, with random handles
// and payloads, by two programs at once with what they start. Started contexts have workers, and guests that
// are played: they make random calls of their own, fault, and are stopped, killed and looked at meanwhile.
// The two programs' own calls never sleep. Whatever is asked for: nothing may crash or hang, every answer is
// a value or an errno, and at the end no context and no memory is left.

#include <array>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "abi/proc_call.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/process_world.h"

namespace {

using namespace halfcell;
using namespace halfcell::fuzz;

constexpr int kMostCalls = 120;

struct Name {
    Kind of;
    std::string_view name;
    Kind opens;
};
constexpr Name kNames[] = {
    {Kind::kProcess, "fork", Kind::kProcess},
    {Kind::kProcess, "fork", Kind::kProcess},
    {Kind::kProcess, "new-thread", Kind::kThread},
    {Kind::kProcess, "thread-0", Kind::kThread},
    {Kind::kProcess, "thread-0", Kind::kThread},
    {Kind::kProcess, "thread-1", Kind::kThread},
    {Kind::kProcess, "thread-18446744073709551616", Kind::kOther},
    {Kind::kAuthority, "new-context", Kind::kThread},
    {Kind::kAuthority, "cur-context", Kind::kThread},
    {Kind::kThread, "addrspace", Kind::kSpace},
    {Kind::kThread, "filetable", Kind::kTable},
    {Kind::kThread, "filetable-binary", Kind::kTable},
    {Kind::kThread, "current-addrspace", Kind::kChooseSpace},
    {Kind::kThread, "current-addrspace", Kind::kChooseSpace},
    {Kind::kThread, "current-filetable", Kind::kChooseTable},
    {Kind::kThread, "regs/int", Kind::kRegisters},
    {Kind::kThread, "regs/float", Kind::kRegisters},
    {Kind::kThread, "regs/env", Kind::kRegisters},
    {Kind::kThread, "sighandler", Kind::kSignals},
    {Kind::kThread, "start", Kind::kStart},
    {Kind::kThread, "start", Kind::kStart},
    {Kind::kThread, "start", Kind::kStart},
    {Kind::kThread, "status", Kind::kStatus},
    {Kind::kThread, "open_via_dup", Kind::kThread},
    {Kind::kThread, "sched-affinity", Kind::kAttributes},
    {Kind::kThread, "mmap-min-addr", Kind::kAttributes},
    {Kind::kThread, "auth-4611686018427387913-attrs", Kind::kAttributes},
    {Kind::kThread, "auth-4611686018427387913-status", Kind::kStatus},
    {Kind::kThread, "auth-0-status", Kind::kOther},
    {Kind::kThread, "trace", Kind::kTrace},
    {Kind::kThread, "trace-trunc", Kind::kTrace},
    {Kind::kThread, "trace-excl", Kind::kTrace},
    {Kind::kThread, "trace-excl-trunc", Kind::kTrace},
    {Kind::kThread, "trace-trunc-excl", Kind::kOther},
    {Kind::kThread, "mem", Kind::kOther},
    {Kind::kSpace, "empty", Kind::kSpace},
    {Kind::kSpace, "exclusive", Kind::kSpace},
    {Kind::kSpace, "mmap-min-addr", Kind::kAttributes},
    {Kind::kSpace, "grant-fd-100000", Kind::kOther},
    {Kind::kSpace, "grant-fd-", Kind::kOther},
    {Kind::kTable, "copy", Kind::kTable},
    {Kind::kOther, "ps", Kind::kOther},
    {Kind::kOther, "write", Kind::kOther},
    {Kind::kOther, "\xff", Kind::kOther},
};

// The choices for one action: which program makes it, and with what.
class Actor {
  public:
    Actor(World& world, Input& input) : world_(world), input_(input), who_(input.byte() % 2) {}

    void act() {
        const std::uint8_t choice = input_.byte();
        if (choice < 20) return transfer(abi::SYS_READ, input_.byte() * std::uint64_t{4});
        if (choice < 90) return write();
        if (choice < 165) return duplicate();
        if (choice < 200) return call_with_words();
        if (choice < 212) return close();
        if (choice < 220) return map();
        if (choice < 226) return pass_descriptor();
        if (choice < 230) return allow_signals();
        if (choice < 233) return call(abi::SYS_LSEEK, {any_fd(), any_word(), 0});
        if (choice < 236) return call(abi::SYS_FEVENT, {any_fd(), input_.byte() % 4U});
        if (choice < 237) return call(abi::SYS_YIELD, {});
        if (choice < 242) return open_traced();
        let_guest_act();
    }

  private:
    void call(std::uint32_t number, const std::array<std::uint64_t, 6>& args) {
        (void)world_.call(who_, number, args);
    }
    void transfer(std::uint32_t number, std::uint64_t size) { call(number, {any_fd(), kWords, size}); }

    std::uint64_t any_fd() {
        constexpr std::uint64_t kOdd[] = {UINT64_MAX, kAuthorityFd, abi::kUpperFdtblTag | 4, 65535, 100};
        const std::uint8_t choice = input_.byte();
        if (choice < 230) return world_.open_fd(who_, input_.byte());
        return choice < 245 ? choice % 28 : input_.one_of(kOdd);
    }
    std::uint64_t fd_of(Kind kind) {
        return input_.chance(90) ? world_.fd_of(who_, kind, input_.byte()) : any_fd();
    }
    std::uint64_t any_word() {
        constexpr std::uint64_t kOdd[] = {0,
                                          1,
                                          2,
                                          3,
                                          8,
                                          UINT64_MAX,
                                          UINT64_MAX - 1,
                                          0x70001,
                                          0x60002,
                                          kMemory,
                                          kMemory + 0x1000,
                                          kMemory + 0x1ed8,
                                          kMemory + kMemorySize,
                                          0x1000,
                                          0x2000,
                                          machine::kUserEnd,
                                          machine::kUserEnd - 4096,
                                          std::uint64_t{1} << 63};
        const std::uint8_t choice = input_.byte();
        if (choice < 90) return any_fd();
        if (choice < 130) return choice % 66;
        if (choice < 140) return static_cast<std::uint64_t>(-static_cast<std::int64_t>(choice % 8));
        if (choice < 250) return input_.one_of(kOdd);
        return input_.word();
    }
    std::uint64_t any_page() { return machine::page_round_down(any_word()); }

    // Puts words into place; any number of any value. Returns their size in bytes.
    std::uint64_t put_any_words() {
        constexpr std::uint64_t kSizes[] = {0, 4, 7, 8, 16, 24, 32, 44, 48, 160, 168};
        const std::uint64_t size = input_.one_of(kSizes);
        std::vector<std::uint64_t> words(size / 8 + 1);
        for (std::uint64_t& word : words)
            word = any_word();
        return put(words, size);
    }
    std::uint64_t put(std::vector<std::uint64_t> words, std::optional<std::uint64_t> size = {}) {
        world_.put(who_, kWords, std::as_bytes(std::span(words)));
        return size.value_or(words.size() * sizeof words[0]);
    }
    // Words that a handle of the kind may well accept.
    std::uint64_t put_words_for(Kind kind) {
        constexpr std::uint64_t kVerbs[] = {1, 1, 2, 2, 3, 3, UINT64_MAX, 9};
        switch (kind) {
            case Kind::kStart:
                return 0;
            case Kind::kStatus:
                return put({input_.one_of(kVerbs)});
            case Kind::kChooseSpace:
                return put({fd_of(Kind::kSpace), any_word(), any_word()});
            case Kind::kChooseTable:
                return put({fd_of(Kind::kTable)});
            case Kind::kTrace:
                return put({input_.word() & (input_.chance(90) ? 0x133fU : UINT64_MAX)});
            case Kind::kSignals:
                return put({0x2000, 0, kMemory + (input_.byte() % 3) * machine::kPageSize,
                            kMemory + machine::kPageSize});
            case Kind::kSpace: {
                const std::uint64_t operation = input_.byte() % 4;
                if (operation == 1) return put({operation, any_page(), any_page()});
                if (operation == 2) return put({operation, any_page(), any_page(), any_word()});
                const std::uint64_t from = input_.chance(50) ? UINT64_MAX : fd_of(Kind::kSpace);
                return put({operation, from, any_page(), any_page(), machine::kPageSize, 0x60002});
            }
            default:
                return put_any_words();
        }
    }

    void write() {
        constexpr Kind kWritten[] = {Kind::kStart,       Kind::kStart,   Kind::kStatus, Kind::kChooseSpace,
                                     Kind::kChooseTable, Kind::kSignals, Kind::kSpace,  Kind::kRegisters,
                                     Kind::kAttributes,  Kind::kTrace,   Kind::kTrace};
        const std::uint64_t fd = input_.chance(85) ? fd_of(input_.one_of(kWritten)) : any_fd();
        const std::uint64_t size =
            input_.chance(80) ? put_words_for(world_.kind_of(who_, fd)) : put_any_words();
        call(abi::SYS_WRITE, {fd, kWords, size});
    }
    // What a tracer opens by the number of a process.
    void open_traced() {
        constexpr std::uint64_t kProcesses = 3;  // the process manager's root
        constexpr std::string_view kTraced[] = {"/trace",    "/trace",      "/trace",   "/mem",
                                                "/regs/int", "/regs/float", "/nothing", ""};
        const std::string path = std::to_string(input_.byte() % 9) + std::string(input_.one_of(kTraced));
        world_.put(who_, kName, std::as_bytes(std::span(path)));
        const std::uint64_t opened =
            world_.call(who_, abi::SYS_OPENAT, {kProcesses, kName, path.size(), input_.word(), 0});
        if (abi::demux_errno(opened) == 0) world_.remember(who_, opened, Kind::kTrace);
    }
    void duplicate() {
        const Name& name = input_.one_of(kNames);
        world_.put(who_, kName, std::as_bytes(std::span(name.name)));
        const std::uint64_t length = input_.chance(97) ? name.name.size() : 65;
        const std::uint64_t fd = fd_of(name.of);
        if (input_.chance(3)) return call(abi::SYS_DUP2, {fd, any_fd(), kName, length});
        const std::uint64_t opened = world_.call(who_, abi::SYS_DUP, {fd, kName, length});
        if (abi::demux_errno(opened) == 0) world_.remember(who_, opened, name.opens);
    }
    // A call of the process manager's, or of kernel.proc's.
    void call_with_words() {
        using abi::ProcCall;
        std::array<std::uint64_t, 5> metadata{};
        metadata[0] = input_.chance(95) ? input_.byte() % 19 : any_word();
        for (std::size_t i = 1; i < metadata.size(); ++i)
            metadata[i] = any_word();
        const bool by_pid = metadata[0] != static_cast<std::uint64_t>(ProcCall::kExit);
        if (by_pid && input_.chance(70)) metadata[1] = input_.byte() % 8;
        world_.put(who_, kMetadata, std::as_bytes(std::span(metadata)));
        const std::uint64_t payload = put_any_words();
        const std::uint64_t flags = input_.byte() % 6 | (input_.chance(3) ? any_word() << 8 : 0);
        const Kind kind = input_.chance(70) ? Kind::kProcess : Kind::kThread;
        call(abi::SYS_CALL, {fd_of(kind), kWords, payload, flags, kMetadata});
    }
    // The closes that matter are of what has been chosen.
    void close() {
        constexpr Kind kChosen[] = {Kind::kChooseSpace, Kind::kChooseTable, Kind::kThread, Kind::kTrace,
                                    Kind::kOther};
        call(abi::SYS_CLOSE, {fd_of(input_.one_of(kChosen))});
    }
    void map() {
        const abi::Map request{.offset = any_page(),
                               .size = (input_.byte() % 5) * machine::kPageSize,
                               .flags = any_word(),
                               .address = any_page()};
        world_.put(who_, kWords, std::as_bytes(std::span(&request, 1)));
        const Kind kind = input_.chance(50) ? Kind::kSpace : Kind::kSignals;
        call(abi::SYS_FMAP, {fd_of(kind), kWords, sizeof request});
    }
    // Descriptors through the pipe, so that programs keep what is nowhere open.
    void pass_descriptor() {
        using abi::CallFlags;
        const bool send = input_.chance(60);
        put({any_fd()});
        call(abi::SYS_CALL,
             {send ? 5U : 4U, kWords, 8, CallFlags::kFd | (send ? CallFlags::kWrite : CallFlags::kRead)});
    }
    // Signals are allowed at random, and some are there already.
    void allow_signals() {
        const std::array<std::uint64_t, 2> words{input_.word(), input_.word()};
        world_.put(who_, kMemory + (input_.byte() % 3) * machine::kPageSize, std::as_bytes(std::span(words)));
    }
    void let_guest_act() {
        constexpr std::uint32_t kCalls[] = {abi::SYS_YIELD, abi::SYS_DUP,  abi::SYS_CLOSE, abi::SYS_READ,
                                            abi::SYS_WRITE, abi::SYS_CALL, abi::SYS_FMAP,  abi::SYS_NANOSLEEP,
                                            abi::SYS_FUTEX, abi::SYS_YIELD};
        const auto guest = world_.guest(input_.byte());
        if (guest == nullptr) return;
        if (input_.chance(10))
            guest->fault({.cause = machine::ParkTrap::Cause::kFault, .trap_number = input_.byte() % 20U});
        else
            guest->call(input_.one_of(kCalls),
                        {any_fd(), kWords, any_word(), any_word(), kMetadata, any_word()});
    }

    World& world_;
    Input& input_;
    const std::size_t who_;
};

std::uint64_t actions = 0;
void report() {
    std::printf("%llu actions\n", static_cast<unsigned long long>(actions));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    [[maybe_unused]] static const int registered = std::atexit(report);
    Input input(data, size);
    World world;
    for (int i = 0; i < kMostCalls && !input.empty(); ++i, ++actions)
        Actor(world, input).act();
    return 0;
}
