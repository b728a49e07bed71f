#include "userland/rt/name_space.h"

#include <string>

#include "abi/namespace_call.h"
#include "userland/rt/output.h"
#include "userland/rt/process.h"

namespace halfcell::userland {

Result<void> register_scheme(std::string_view name, UniqueFd root) {
    const auto kind = static_cast<std::uint64_t>(abi::NsDup::kIssueRegister);
    std::string request(reinterpret_cast<const char*>(&kind), sizeof kind);
    request += name;
    const UniqueFd registration(RT_TRY(sys_dup(process().name_space, request)));
    std::uint64_t number = word(root.fd());
    RT_TRY(sys_call(registration.fd(), std::as_writable_bytes(std::span(&number, 1)),
                    abi::CallFlags::kFd | abi::CallFlags::kWrite, {}));
    // The namespace has it now.
    (void)root.release();
    return {};
}

Result<void> forget_scheme(std::string_view name) {
    return sys_unlinkat(process().name_space, concat("/scheme/", name), 0);
}

}  // namespace halfcell::userland
