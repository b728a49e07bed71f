#include "tests/guests/scheme_session.h"

#include "tests/guests/ram_scheme.h"
#include "userland/rt/process.h"

namespace halfcell::userland {

namespace {

struct ServerStart {
    std::string name;
    Pipe ready;
};

int serve(void* argument) {
    auto& start = *static_cast<ServerStart*>(argument);
    RamScheme scheme;
    const Result<void> created = scheme.create(start.name);
    const std::byte report{static_cast<unsigned char>(created ? 0 : static_cast<int>(created.error()))};
    (void)sys_write(start.ready.write.fd(), std::span(&report, 1));
    return created && scheme.serve() ? 0 : 1;
}

}  // namespace

Result<Pipe> make_pipe() {
    UniqueFd read(RT_TRY(sys_openat(process().name_space, "/scheme/pipe", abi::OpenFlags::kRdwr)));
    UniqueFd write(RT_TRY(sys_dup(read.fd(), "write")));
    return Pipe{std::move(read), std::move(write)};
}

Result<SchemeSession> SchemeSession::start(std::string_view name) {
    ServerStart start{std::string(name), RT_TRY(make_pipe())};
    const Child server = RT_TRY(start_child(&serve, &start));
    std::byte report{0xff};
    RT_TRY(sys_read(start.ready.read.fd(), std::span(&report, 1)));
    if (report != std::byte{0}) return static_cast<Errno>(std::to_integer<int>(report));
    return SchemeSession("/scheme/" + start.name + "/", server);
}

Result<UniqueFd> SchemeSession::open(std::string_view path) const {
    return open_file(name_ + std::string(path),
                     abi::OpenFlags::kRdwr | abi::OpenFlags::kCreat | abi::OpenFlags::kCloexec);
}

void SchemeSession::stop() const {
    // Not answered: the server goes instead.
    (void)open("exit");
    (void)wait_for(server_);
}

}  // namespace halfcell::userland
