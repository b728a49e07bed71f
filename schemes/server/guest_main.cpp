// A server as a guest: PROGRAM NAME [ARGUMENT…] makes /scheme/NAME, and is served by a child when it returns.

#include "schemes/server/dispatcher.h"
#include "schemes/server/guest_transport.h"
#include "userland/rt/child.h"
#include "userland/rt/fork.h"
#include "userland/rt/output.h"
#include "userland/rt/process.h"

namespace halfcell::userland {
namespace {

using server::Scheme;

std::string problem(std::string_view name, Errno error) {
    return concat("cannot serve ", name, ": ", std::string_view(abi::errno_text(error)));
}

// In the child: buffers appear in the process that makes the scheme. Reports 0 or an errno, then serves.
[[noreturn]] void serve(Scheme& scheme, std::string_view name, const Pipe& ready) {
    server::GuestTransport transport;
    Result<void> made = transport.create();
    if (made) made = transport.register_as(name);
    const std::byte report{static_cast<unsigned char>(made ? 0 : static_cast<int>(made.error()))};
    (void)sys_write(ready.writer.fd(), std::span(&report, 1));
    if (!made) exit_now(1);
    const Errno ended = server::Dispatcher(scheme, transport).serve();
    server::log(problem(name, ended));
    exit_now(1);
}

Result<void> start(Scheme& scheme, std::string_view name) {
    Pipe ready = RT_TRY(make_pipe());
    if (RT_TRY(fork_process()) == 0) serve(scheme, name, ready);
    // So that a child which dies before it reports ends the pipe.
    ready.writer.reset();
    std::byte report{};
    if (RT_TRY(sys_read(ready.reader.fd(), std::span(&report, 1))) == 0) return Errno::kESRCH;
    if (report != std::byte{0}) return static_cast<Errno>(std::to_integer<int>(report));
    return {};
}

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    constexpr int kUsage = 2;
    if (arguments.empty() || arguments.front().starts_with('-')) {
        server::log(concat("usage: ", process().program_path, " NAME [ARGUMENT]...\nServes /scheme/NAME."));
        return kUsage;
    }
    const std::unique_ptr<Scheme> scheme = server::make_scheme(arguments.subspan(1));
    if (scheme == nullptr) return kUsage;
    const Result<void> started = start(*scheme, arguments.front());
    if (started) return 0;
    server::log(problem(arguments.front(), started.error()));
    return 1;
}

}  // namespace halfcell::userland
