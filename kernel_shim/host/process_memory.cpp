#include "kernel_shim/host/process_memory.h"

#include <sys/uio.h>

#include "kernel_shim/host/host_errno.h"

namespace halfcell::host {

namespace {

// `transfer` is process_vm_readv or process_vm_writev. Linux stops short at the first page it cannot reach,
// and after two GiB; the next round tells the two apart.
template <typename Transfer>
Result<void> copy(Transfer transfer, pid_t process, std::uint64_t address, std::byte* local,
                  std::size_t size) {
    while (size != 0) {
        const iovec here{local, size};
        const iovec there{reinterpret_cast<void*>(address), size};
        const ssize_t count = transfer(process, &here, 1, &there, 1, 0);
        if (count < 0) return fail(last_error());
        if (count == 0) return fail(Errno::kEFAULT);
        local += count;
        address += static_cast<std::uint64_t>(count);
        size -= static_cast<std::size_t>(count);
    }
    return {};
}

}  // namespace

Result<void> read_process(pid_t process, std::uint64_t address, std::span<std::byte> to) {
    return copy(::process_vm_readv, process, address, to.data(), to.size());
}

Result<void> write_process(pid_t process, std::uint64_t address, std::span<const std::byte> from) {
    // iovec has no const; the bytes are only read.
    return copy(::process_vm_writev, process, address, const_cast<std::byte*>(from.data()), from.size());
}

}  // namespace halfcell::host
