// daemon notify|root|silent: is ready as a daemon of Redox is, by a byte, by the root of its scheme, or
// never. It serves files that can be opened and stamped: what times they are given it prints.

#include <array>

#include "abi/scheme_msg.h"
#include "tests/guests/check.h"
#include "userland/lib/number.h"

namespace halfcell::userland {
namespace {

Fd notify_fd() {
    for (const std::string_view entry : process().environment) {
        if (!entry.starts_with("INIT_NOTIFY=")) continue;
        if (const auto number = parse_unsigned(entry.substr(12))) return Fd{*number};
    }
    check(false, "INIT_NOTIFY is a number");
    return Fd::kNone;
}

UniqueFd make_socket() {
    const UniqueFd capability(
        need(sys_openat(process().name_space, "/scheme/namespace/scheme-creation-cap", abi::OpenFlags::kRdwr),
             "capability"));
    return UniqueFd(need(sys_dup(capability.fd(), "create-scheme"), "socket"));
}

void send_root(Fd notify, Fd socket) {
    abi::NewFdParams params{};
    params.flags = abi::OpenFlags::kRdwr;
    const std::string_view bytes(reinterpret_cast<const char*>(&params), sizeof params);
    std::uint64_t root = word(need(sys_dup(socket, bytes), "root"));
    need(sys_call(notify, std::as_writable_bytes(std::span(&root, 1)),
                  abi::CallFlags::kFd | abi::CallFlags::kWrite, {}),
         "send the root");
}

// What a request is answered with: the number of the handle, or an errno.
std::int64_t answer(const abi::Sqe& sqe) {
    switch (static_cast<abi::Opcode>(sqe.opcode)) {
        case abi::Opcode::kOpenAt:
            return 1;
        case abi::Opcode::kFutimens: {
            const auto* times = reinterpret_cast<const abi::TimeSpec*>(sqe.args[1]);
            for (const abi::TimeSpec& time : {times[0], times[1]})
                out().print(static_cast<std::uint64_t>(time.tv_sec), ' ',
                            static_cast<std::uint64_t>(time.tv_nsec), '\n');
            out().flush();
            return 0;
        }
        default:
            return -static_cast<std::int64_t>(Errno::kENOSYS);
    }
}

[[noreturn]] void serve(Fd socket) {
    for (;;) {
        abi::Sqe sqe{};
        const auto read = sys_read(socket, std::as_writable_bytes(std::span(&sqe, 1)));
        if (!read) exit_now(1);
        if (static_cast<abi::Opcode>(sqe.opcode) == abi::Opcode::kCloseMsg) continue;
        abi::Cqe cqe{};
        cqe.tag = sqe.tag;
        cqe.result = static_cast<std::uint64_t>(answer(sqe));
        (void)sys_write(socket, std::as_bytes(std::span(&cqe, 1)));
    }
}

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    const std::string_view kind = arguments.empty() ? "silent" : arguments.front();
    UniqueFd notify(notify_fd());
    if (kind == "silent") return 3;
    const UniqueFd socket = make_socket();
    const std::byte ready{};
    if (kind == "root")
        send_root(notify.fd(), socket.fd());
    else
        need(sys_write(notify.fd(), std::span(&ready, 1)), "notify");
    notify.reset();
    serve(socket.fd());
}

}  // namespace halfcell::userland
