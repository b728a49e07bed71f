#include "schemes/kernel/proc/handle.h"

namespace halfcell::schemes::proc {

Anchor::~Anchor() {
    if (!context_->launched()) workers_.kill(context_, false);
}

Result<std::uint64_t> Handle::read(const scheme::Caller&, const mem::UserOut&, std::uint64_t) {
    return fail(Errno::kEBADF);
}
Result<std::uint64_t> Handle::write(const scheme::Caller&, const mem::UserIn&) {
    return fail(Errno::kEBADF);
}
Result<std::uint64_t> Handle::read_with(const scheme::Caller& caller, const mem::UserOut& to,
                                        std::uint64_t offset, scheme::TransferFlags) {
    return read(caller, to, offset);
}

Result<std::uint64_t> Handle::write_at(const scheme::Caller& caller, const mem::UserIn& from, std::uint64_t) {
    return write(caller, from);
}

std::uint64_t Handle::ready() const {
    return abi::EventFlags::kEventNone;
}

Result<scheme::OpenResult> Handle::dup(const scheme::Caller&, std::string_view) {
    return fail(Errno::kEINVAL);
}
Result<std::uint64_t> Handle::fmap(const scheme::Caller&, mem::AddressSpace&, const abi::Map&, bool) {
    return fail(Errno::kEBADF);
}
Result<std::uint64_t> Handle::call(const scheme::Caller&, std::span<const std::uint64_t>) {
    return fail(Errno::kEBADF);
}
std::uint64_t Handle::size() const {
    return 0;
}
Result<void> Handle::closed() {
    return {};
}

}  // namespace halfcell::schemes::proc
