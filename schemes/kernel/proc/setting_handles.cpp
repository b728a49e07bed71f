#include "schemes/kernel/proc/setting_handles.h"

#include <algorithm>
#include <cstring>

#include "abi/data.h"
#include "abi/proc_call.h"
#include "kernel_shim/base/utf8.h"

namespace halfcell::schemes::proc {

Result<std::uint64_t> AttributeHandle::read(const scheme::Caller&, const mem::UserOut& to, std::uint64_t) {
    const task::Attributes attributes = target_.context->attributes();
    abi::ProcSchemeAttrs wire{};
    wire.pid = attributes.pid;
    wire.euid = attributes.euid;
    wire.egid = attributes.egid;
    wire.prio = attributes.priority;
    std::memcpy(wire.debug_name, attributes.name.data(),
                std::min(attributes.name.size(), sizeof wire.debug_name));
    return to.write_common(std::as_bytes(std::span(&wire, 1)));
}

Result<std::uint64_t> AttributeHandle::write(const scheme::Caller&, const mem::UserIn& from) {
    const auto wire = TRY(from.read_exact<abi::ProcSchemeAttrs>());
    const auto* const name = reinterpret_cast<const char*>(wire.debug_name);
    const std::string_view text(name, strnlen(name, sizeof wire.debug_name));
    if (!is_utf8(text)) return fail(Errno::kEINVAL);
    const auto highest = static_cast<std::uint32_t>(abi::kPriorityCount - 1);
    target_.context->set_attributes({.pid = wire.pid,
                                     .euid = wire.euid,
                                     .egid = wire.egid,
                                     .priority = std::min(wire.prio, highest),
                                     .name = std::string(text)});
    return sizeof wire;
}

Result<std::uint64_t> AffinityHandle::read(const scheme::Caller&, const mem::UserOut& to, std::uint64_t) {
    const task::CpuMask mask = target_.context->affinity();
    TRY(to.write_exact(mask));
    return sizeof mask;
}

Result<std::uint64_t> AffinityHandle::write(const scheme::Caller&, const mem::UserIn& from) {
    const auto mask = TRY(from.read_exact<task::CpuMask>());
    target_.context->set_affinity(mask);
    return sizeof mask;
}

Result<std::uint64_t> MmapMinAddrHandle::read(const scheme::Caller&, const mem::UserOut& to, std::uint64_t) {
    const std::uint64_t address = space_->lowest_mappable();
    TRY(to.write_exact(address));
    return sizeof address;
}

Result<std::uint64_t> MmapMinAddrHandle::write(const scheme::Caller&, const mem::UserIn& from) {
    const auto address = TRY(from.read_exact<std::uint64_t>());
    TRY(space_->set_lowest_mappable(address));
    return sizeof address;
}

}  // namespace halfcell::schemes::proc
