#include "userland/rt/child.h"

#include <array>

#include "userland/rt/process_state.h"

namespace halfcell::userland {
namespace {

std::uint64_t number(abi::ProcCall call) {
    return static_cast<std::uint64_t>(call);
}

}  // namespace

Result<abi::ProcMeta> process_identity() {
    abi::ProcMeta meta{};
    RT_TRY(sys_read(process().process, std::as_writable_bytes(std::span(&meta, 1))));
    return meta;
}

Result<ChildNews> wait_for_child(std::uint32_t pid, std::uint64_t flags) {
    alignas(8) std::array<std::byte, 8> payload{};
    const std::uint64_t words[] = {number(abi::ProcCall::kWaitpid), pid, flags};
    ChildNews news;
    news.pid = static_cast<std::uint32_t>(RT_TRY(call_process(words, payload)));
    __builtin_memcpy(&news.status, payload.data(), sizeof(news.status));
    return news;
}

int exit_status_of(std::int32_t status) {
    if (abi::wait_signaled(status)) return 128 + static_cast<int>(abi::wait_term_signal(status));
    if (abi::wait_stopped(status)) return 128 + static_cast<int>(abi::wait_stop_signal(status));
    return static_cast<int>(abi::wait_exit_code(status));
}

Result<void> set_process_group(std::uint32_t pid, std::uint32_t group) {
    const std::uint64_t words[] = {number(abi::ProcCall::kSetpgid), pid, group};
    RT_TRY(call_process(words));
    return {};
}

Result<void> start_session() {
    const std::uint64_t words[] = {number(abi::ProcCall::kSetsid)};
    RT_TRY(call_process(words));
    return {};
}

Result<std::uint32_t> foreground_group(Fd terminal) {
    const UniqueFd handle(RT_TRY(sys_dup(terminal, "pgrp")));
    std::uint32_t group = 0;
    const std::size_t size = RT_TRY(sys_read(handle.fd(), std::as_writable_bytes(std::span(&group, 1))));
    if (size != sizeof(group)) return Errno::kEIO;
    return group;
}

Result<void> set_foreground_group(Fd terminal, std::uint32_t group) {
    const UniqueFd handle(RT_TRY(sys_dup(terminal, "pgrp")));
    RT_TRY(sys_write(handle.fd(), std::as_bytes(std::span(&group, 1))));
    return {};
}

Result<Pipe> make_pipe() {
    using abi::OpenFlags;
    Pipe pipe;
    pipe.reader = UniqueFd(
        RT_TRY(sys_openat(process().name_space, "/scheme/pipe", OpenFlags::kRdonly | OpenFlags::kCloexec)));
    pipe.writer = UniqueFd(RT_TRY(sys_dup(pipe.reader.fd(), "write")));
    RT_TRY(sys_fcntl(pipe.writer.fd(), abi::FcntlCommand::kSetfl, OpenFlags::kWronly));
    RT_TRY(sys_fcntl(pipe.writer.fd(), abi::FcntlCommand::kSetfd, OpenFlags::kCloexec));
    return pipe;
}

}  // namespace halfcell::userland
