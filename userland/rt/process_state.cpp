#include "userland/rt/process_state.h"

#include "userland/rt/file.h"
#include "userland/rt/path.h"

namespace halfcell::userland {

Result<UniqueFd> to_upper(UniqueFd fd) {
    if ((word(fd.fd()) & abi::Limits::kUpperFdtblTag) != 0) return fd;
    return UniqueFd(Fd{RT_TRY(sys_fcntl(fd.fd(), abi::FcntlCommand::kDupfd, abi::Limits::kUpperFdtblTag))});
}

Result<UniqueFd> dup_to_upper(Fd fd, std::string_view name) {
    const Fd lower = RT_TRY(sys_dup(fd, name));
    return to_upper(UniqueFd(lower));
}

Result<std::uint64_t> call_process(std::span<const std::uint64_t> words, std::span<std::byte> payload) {
    return sys_call(process().process, payload, 0, words);
}

Result<void> change_directory(std::string_view path) {
    UniqueFd directory = RT_TRY(open_file(path, abi::OpenFlags::kStat));
    if (!is_directory(RT_TRY(sys_fstat(directory.fd())))) return Errno::kENOTDIR;
    UniqueFd upper = RT_TRY(to_upper(std::move(directory)));
    Process& state = process_state();
    state.working_directory = canonical_path(state.working_directory, path);
    UniqueFd old(state.directory);
    state.directory = upper.release();
    return {};
}

void set_umask(std::uint16_t mask) {
    process_state().umask = mask & 0777;
}

}  // namespace halfcell::userland
