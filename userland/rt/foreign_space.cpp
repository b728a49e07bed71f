#include "userland/rt/foreign_space.h"

#include <cstring>

#include "userland/rt/process_state.h"

namespace halfcell::userland {

Result<ForeignSpace> ForeignSpace::create() {
    const UniqueFd own(RT_TRY(sys_dup(process().thread, "addrspace")));
    return ForeignSpace(RT_TRY(dup_to_upper(own.fd(), "empty")));
}

Result<std::uint64_t> ForeignSpace::map(std::uint64_t address, std::uint64_t size, std::uint64_t flags) {
    const std::uint64_t words[] = {abi::AddrspaceOp::kMmap, word(Fd::kNone), 0, address, size, flags};
    return sys_write(fd(), std::as_bytes(std::span(words)));
}

Result<Window> ForeignSpace::window(std::uint64_t address, std::uint64_t size) const {
    abi::Map map{};
    map.offset = page_start(address);
    map.size = page_end(address + size) - map.offset;
    map.flags = abi::MapFlags::kProtRead | abi::MapFlags::kProtWrite;
    return Window(RT_TRY(sys_fmap(fd(), map)), map.size);
}

Result<void> ForeignSpace::write(std::uint64_t address, std::span<const std::byte> bytes) const {
    if (bytes.empty()) return {};
    const Window target = RT_TRY(window(address, bytes.size()));
    std::memcpy(target.bytes().data() + (address - page_start(address)), bytes.data(), bytes.size());
    return {};
}

}  // namespace halfcell::userland
