#include "schemes/kernel/proc/signal_handle.h"

#include "abi/data.h"
#include "abi/sigabi.h"
#include "kernel_shim/machine/page_range.h"
#include "schemes/kernel/proc/proc_scheme.h"

namespace halfcell::schemes::proc {

namespace {

using machine::kPageSize;
using machine::kUserEnd;

// Where in its page a structure lies. Upstream lets it end one byte short of the page and then panics on it;
// it is refused here. Source: kernel:src/scheme/proc.rs validate_off, spec quirk 15.
Result<std::uint64_t> offset_in_page(std::uint64_t address, std::uint64_t size) {
    const std::uint64_t offset = address % kPageSize;
    const bool whole_page = size == kPageSize && offset == 0;
    if (whole_page) return offset;
    if (offset % alignof(std::uint64_t) != 0 || offset + size >= kPageSize) return fail(Errno::kEINVAL);
    return offset;
}

// The page around an address, to be shared by frame. EINVAL, EPERM, ENOMEM, ESRCH.
Result<task::ControlPage> control_page(mem::AddressSpace& space, std::uint64_t address,
                                       std::uint64_t page_offset) {
    auto page = TRY(space.hold_page(address));
    return task::ControlPage{std::move(page.object), page.offset, page_offset};
}

}  // namespace

Result<std::uint64_t> SignalHandle::read(const scheme::Caller&, const mem::UserOut& to, std::uint64_t) {
    abi::SetSighandlerData wire{};
    if (const auto signals = target_.context->signals()) {
        wire.user_handler = signals->user_handler;
        wire.excp_handler = signals->excp_handler;
        wire.thread_control_addr = signals->thread_control.page_offset;
        wire.proc_control_addr = signals->proc_control.page_offset;
    }
    return to.write_common(std::as_bytes(std::span(&wire, 1)));
}

Result<std::uint64_t> SignalHandle::write(const scheme::Caller&, const mem::UserIn& from) {
    const auto wire = TRY(from.read_exact<abi::SetSighandlerData>());
    if (wire.user_handler >= kUserEnd || wire.excp_handler >= kUserEnd) return fail(Errno::kEPERM);
    if (wire.thread_control_addr >= kUserEnd || wire.proc_control_addr >= kUserEnd)
        return fail(Errno::kEFAULT);
    if (wire.thread_control_addr == 0 || wire.proc_control_addr == 0) {
        target_.context->set_signals(nullptr);
        return sizeof wire;
    }
    const auto space = target_.context->address_space();
    if (space == nullptr) return fail(Errno::kESRCH);
    const std::uint64_t thread_offset =
        TRY(offset_in_page(wire.thread_control_addr, sizeof(abi::Sigcontrol)));
    const std::uint64_t proc_offset =
        TRY(offset_in_page(wire.proc_control_addr, sizeof(abi::SigProcControl)));
    if (wire.user_handler == 0) return fail(Errno::kEINVAL);
    auto signals = std::make_shared<task::SignalState>();
    signals->user_handler = wire.user_handler;
    signals->excp_handler = wire.excp_handler;
    signals->thread_control = TRY(control_page(*space, wire.thread_control_addr, thread_offset));
    signals->proc_control = TRY(control_page(*space, wire.proc_control_addr, proc_offset));
    target_.context->set_signals(std::move(signals));
    return sizeof wire;
}

Result<std::uint64_t> SignalHandle::fmap(const scheme::Caller& caller, mem::AddressSpace&,
                                         const abi::Map& map, bool) {
    const auto signals = target_.context->signals();
    if (signals == nullptr) return fail(Errno::kEBADF);
    if (map.offset != 0 && map.offset != kPageSize) return fail(Errno::kEINVAL);
    const task::ControlPage& page = map.offset == 0 ? signals->thread_control : signals->proc_control;
    const auto space = TRY(scheme_.context_of(caller))->address_space();
    if (space == nullptr) return fail(Errno::kESRCH);
    return space->map(
        {.size = kPageSize, .protection = {.write = true}},
        {.kind = mem::GrantKind::kShared, .object = page.object, .object_offset = page.object_offset});
}

}  // namespace halfcell::schemes::proc
