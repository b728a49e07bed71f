#include "schemes/manager/scheme_manager.h"

#include <array>

namespace halfcell::schemes {

namespace {

constexpr HandleNumber kCreationCapability{0};
constexpr std::string_view kCreateScheme = "create-scheme";

}  // namespace

Result<scheme::OpenedHandle> SchemeManager::root() {
    return scheme::OpenedHandle{kCreationCapability};
}

Result<scheme::OpenResult> SchemeManager::dup(const scheme::Caller& caller, HandleNumber number,
                                              const mem::UserIn& name) {
    if (number != kCreationCapability) return fail(Errno::kEBADF);
    std::array<char, kCreateScheme.size()> verb{};
    if (name.size() < verb.size()) return fail(Errno::kEINVAL);
    TRY(name.read(0, std::as_writable_bytes(std::span(verb))));
    if (std::string_view(verb.data(), verb.size()) != kCreateScheme) return fail(Errno::kEINVAL);
    if (caller.uid != 0) return fail(Errno::kEACCES);
    return fail(Errno::kENODEV);
}

Result<std::uint64_t> SchemeManager::fpath(const scheme::Caller&, HandleNumber, const mem::UserOut& to) {
    return to.write_common("/scheme");
}

Result<std::uint64_t> SchemeManager::read_at(const scheme::Caller&, HandleNumber, const mem::UserOut&,
                                             std::uint64_t, scheme::TransferFlags) {
    return fail(Errno::kEBADF);
}

Result<std::uint64_t> SchemeManager::fevent(const scheme::Caller&, HandleNumber, std::uint64_t) {
    return fail(Errno::kEBADF);
}

Result<void> SchemeManager::fsync(const scheme::Caller&, HandleNumber) {
    return fail(Errno::kEBADF);
}

Result<std::uint64_t> SchemeManager::fd_write(const scheme::Caller&, HandleNumber,
                                              std::vector<scheme::DescriptionRef>&&, std::uint64_t,
                                              std::uint64_t, std::span<const std::uint64_t>) {
    return fail(Errno::kEBADF);
}

Result<std::vector<scheme::DescriptionRef>> SchemeManager::fd_read(const scheme::Caller&, HandleNumber,
                                                                   std::uint64_t, std::uint64_t,
                                                                   std::span<const std::uint64_t>) {
    return fail(Errno::kEBADF);
}

}  // namespace halfcell::schemes
