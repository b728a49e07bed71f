#include "schemes/kernel/serio.h"

#include "abi/flags.h"
#include "schemes/common/wire.h"

namespace halfcell::schemes {

using scheme::Caller;
using scheme::OpenedHandle;
using scheme::OpenResult;

Result<OpenedHandle> SerioScheme::root() {
    return OpenedHandle{.number = handles_.add(std::make_shared<Device>())};
}

Result<unsigned> SerioScheme::find_device(HandleNumber number) const {
    const auto device = TRY(handles_.find(number));
    if (!device->has_value()) return fail(Errno::kEBADF);
    return **device;
}

Result<OpenResult> SerioScheme::openat(const Caller& caller, HandleNumber base, std::string_view path,
                                       std::uint64_t, std::uint32_t) {
    if (TRY(handles_.find(base))->has_value()) return fail(Errno::kEACCES);
    if (caller.uid != 0) return fail(Errno::kEPERM);
    const auto index = parse_decimal(path);
    if (!index || *index >= std::size(input_)) return fail(Errno::kENOENT);
    return OpenedHandle{.number = handles_.add(std::make_shared<Device>(static_cast<unsigned>(*index)))};
}

Result<std::uint64_t> SerioScheme::read(const Caller& caller, HandleNumber number, const mem::UserOut& to,
                                        scheme::TransferFlags flags) {
    const unsigned device = TRY(find_device(number));
    const scheme::Wait wait =
        (flags.call & abi::OpenFlags::kNonblock) != 0 ? scheme::Wait::kNo : scheme::Wait::kYes;
    return input_[device].receive(to, wait, "SerioScheme::read", caller.waiter);
}

Result<std::uint64_t> SerioScheme::fevent(const Caller&, HandleNumber number, std::uint64_t) {
    TRY(find_device(number));
    return 0;
}

Result<std::uint64_t> SerioScheme::fpath(const Caller&, HandleNumber number, const mem::UserOut& to) {
    return to.write_common("serio:" + std::to_string(TRY(find_device(number))));
}

Result<void> SerioScheme::fsync(const Caller&, HandleNumber number) {
    TRY(handles_.find(number));
    return {};
}

Result<void> SerioScheme::close(HandleNumber number) {
    TRY(handles_.remove(number));
    return {};
}

}  // namespace halfcell::schemes
