#include "schemes/common/character_device.h"

#include "abi/flags.h"
#include "schemes/common/wire.h"

namespace halfcell::schemes {

using scheme::Caller;
using scheme::OpenedHandle;

namespace {

// zerod, too, answers every open with the same number.
constexpr HandleNumber kTheHandle{0};

}  // namespace

Result<OpenedHandle> CharacterDevice::root() {
    return OpenedHandle{.number = kTheHandle};
}

Result<scheme::OpenResult> CharacterDevice::openat(const Caller&, HandleNumber, std::string_view,
                                                   std::uint64_t, std::uint32_t) {
    return OpenedHandle{.number = kTheHandle};
}

Result<std::uint64_t> CharacterDevice::write(const Caller&, HandleNumber, const mem::UserIn& from,
                                             scheme::TransferFlags) {
    return from.size();
}

Result<std::uint64_t> CharacterDevice::fpath(const Caller&, HandleNumber, const mem::UserOut& to) {
    return to.write_common(path_);
}

Result<void> CharacterDevice::fstat(const Caller&, HandleNumber, const mem::UserOut& to) {
    return reply_stat(to, static_cast<std::uint16_t>(abi::Mode::kChr | permissions_));
}

Result<void> CharacterDevice::ftruncate(const Caller&, HandleNumber, std::uint64_t) {
    return {};
}

}  // namespace halfcell::schemes
