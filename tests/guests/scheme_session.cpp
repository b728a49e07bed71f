#include "tests/guests/scheme_session.h"

#include "tests/guests/ram_scheme.h"
#include "userland/rt/process.h"

namespace halfcell::userland {

namespace {

int serve(std::string_view name, Fd ready) {
    RamScheme scheme;
    const Result<void> created = scheme.create(name);
    const std::byte report{static_cast<unsigned char>(created ? 0 : static_cast<int>(created.error()))};
    (void)sys_write(ready, std::span(&report, 1));
    return created && scheme.serve() ? 0 : 1;
}

}  // namespace

Result<int> status_of(std::uint32_t child) {
    const ChildNews news = RT_TRY(wait_for_child(child, 0));
    return exit_status_of(news.status);
}

Result<SchemeSession> SchemeSession::start(std::string_view name) {
    const Pipe ready = RT_TRY(make_pipe());
    const std::uint32_t server = RT_TRY(start_child([&] { return serve(name, ready.writer.fd()); }));
    std::byte report{0xff};
    RT_TRY(sys_read(ready.reader.fd(), std::span(&report, 1)));
    if (report != std::byte{0}) return static_cast<Errno>(std::to_integer<int>(report));
    return SchemeSession("/scheme/" + std::string(name) + "/", server);
}

Result<UniqueFd> SchemeSession::open(std::string_view path) const {
    return open_file(name_ + std::string(path),
                     abi::OpenFlags::kRdwr | abi::OpenFlags::kCreat | abi::OpenFlags::kCloexec);
}

void SchemeSession::stop() const {
    // Not answered: the server goes instead.
    (void)open("exit");
    (void)status_of(server_);
}

Result<std::uint32_t> start_opening(const SchemeSession& session, std::string_view path) {
    const Pipe started = RT_TRY(make_pipe());
    const std::uint32_t child = RT_TRY(start_child([&] {
        constexpr std::byte kGo[1] = {};
        (void)sys_write(started.writer.fd(), kGo);
        const auto opened = session.open(path);
        return opened ? 0 : static_cast<int>(opened.error());
    }));
    std::array<std::byte, 1> go{};
    RT_TRY(sys_read(started.reader.fd(), go));
    return child;
}

}  // namespace halfcell::userland
