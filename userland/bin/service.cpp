// service: starts a daemon as Redox's init does, and returns when it is ready.
//
// The contract is init's: a pipe's write end, left open across exec, whose number is in INIT_NOTIFY. A daemon
// that has registered its schemes by itself writes a byte; one that has not sends its scheme's root as a
// descriptor, for init to register. Source: base:init/src/service.rs, base:daemon/src/lib.rs.

#include <algorithm>
#include <vector>

#include "userland/lib/number.h"
#include "userland/lib/run_command.h"
#include "userland/lib/tool.h"
#include "userland/rt/child.h"
#include "userland/rt/exec.h"
#include "userland/rt/name_space.h"

namespace halfcell::userland {
namespace {

constexpr Option kOptions[] = {
    {'s', "scheme", Value::kRequired, "NAME", "register what it serves as /scheme/NAME"},
    {'r', "replace", Value::kRequired, "NAME[,NAME]...", "forget these schemes before"},
};
constexpr Usage kUsage{
    "service",
    "[OPTION]... COMMAND [ARG]...",
    "Starts COMMAND, a daemon of Redox, and waits until it is ready (INIT_NOTIFY). It runs on.",
    kOptions,
    125,
    Operands::kLast};

constexpr int kNotReady = 1;

void forget(std::string_view names) {
    while (!names.empty()) {
        const std::string_view name = names.substr(0, names.find(','));
        names.remove_prefix(std::min(names.size(), name.size() + 1));
        const Result<void> removed = forget_scheme(name);
        if (!removed && removed.error() != Errno::kENODEV)
            give_up(125, "cannot forget ", quoted(name), ": ", error_sentence(removed.error()));
    }
}

// Waits for the byte; false where the daemon ended without it.
Result<bool> wait_for_notice(Fd reader) {
    for (;;) {
        std::byte notice{};
        const Result<std::size_t> read = sys_read(reader, std::span(&notice, 1));
        if (read) return *read == 1;
        if (read.error() != Errno::kEINTR) return read.error();
    }
}

// Waits for the root of the scheme; none where the daemon ended without it.
Result<UniqueFd> wait_for_root(Fd reader) {
    for (;;) {
        Fd root = Fd::kNone;
        const Result<std::uint64_t> received =
            sys_call(reader, std::as_writable_bytes(std::span(&root, 1)),
                     abi::CallFlags::kFd | abi::CallFlags::kRead | abi::CallFlags::kFdUpper, {});
        if (received) return *received == 1 ? UniqueFd(root) : UniqueFd();
        if (received.error() != Errno::kEINTR) return received.error();
    }
}

// Whether the daemon has said that it is ready, and its scheme, if it was to have one, is registered.
Result<bool> become_ready(Fd reader, std::string_view scheme) {
    if (scheme.empty()) return wait_for_notice(reader);
    UniqueFd root = RT_TRY(wait_for_root(reader));
    if (root.fd() == Fd::kNone) return false;
    RT_TRY(register_scheme(scheme, std::move(root)));
    return true;
}

Result<bool> start(std::span<const std::string> command, std::string_view scheme) {
    Pipe pipe = RT_TRY(make_pipe());
    RT_TRY(sys_fcntl(pipe.writer.fd(), abi::FcntlCommand::kSetfd, 0));
    std::vector<std::string> environment = inherited_environment();
    std::erase_if(environment, [](const std::string& entry) { return entry.starts_with("INIT_NOTIFY="); });
    environment.push_back(concat("INIT_NOTIFY=", decimal(word(pipe.writer.fd()))));
    RT_TRY(spawn_program(command, environment));
    // So that a daemon which dies before it is ready ends the pipe.
    pipe.writer.reset();
    return become_ready(pipe.reader.fd(), scheme);
}

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    const CommandLine line = parse_or_exit(kUsage, arguments);
    check_operand_count(line, 1);
    forget(line.value_of('r'));
    const Result<bool> ready = start(as_words(line.operands), line.value_of('s'));
    if (!ready) give_up(125, quoted(line.operands[0]), ": ", error_sentence(ready.error()));
    if (!*ready) give_up(kNotReady, quoted(line.operands[0]), " ended before it was ready");
    return 0;
}

}  // namespace halfcell::userland
