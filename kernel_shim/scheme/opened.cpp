#include "kernel_shim/scheme/opened.h"

#include <utility>

#include "abi/flags.h"

namespace halfcell::scheme {

Result<DescriptionRef> describe_opened(const FileDescription& base, OpenResult result, std::uint64_t flags) {
    if (auto* external = std::get_if<DescriptionRef>(&result)) return std::move(*external);
    const OpenedHandle& handle = std::get<OpenedHandle>(result);
    return DescriptionRef::create({.scheme = TRY(base.shared_scheme()),
                                   .scheme_id = base.scheme_id(),
                                   .number = handle.number,
                                   .flags = static_cast<std::uint32_t>(flags & ~abi::OpenFlags::kCloexec),
                                   .positioned = handle.positioned});
}

}  // namespace halfcell::scheme
