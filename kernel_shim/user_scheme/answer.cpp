#include "kernel_shim/user_scheme/answer.h"

#include <utility>

#include "abi/flags.h"

namespace halfcell::user_scheme {

using Kind = Answer::Kind;

Result<std::uint64_t> demux(std::uint64_t word) {
    if (const std::int32_t error = abi::demux_errno(word)) return fail(static_cast<Errno>(error));
    return word;
}

Result<std::uint64_t> translate(Result<std::uint64_t> value, bool cancelled) {
    if (value) return value;
    if (value.error() == Errno::kECANCELED && cancelled) return fail(Errno::kEINTR);
    if (value.error() == Errno::kEINTR && !cancelled) return fail(Errno::kEIO);
    return value;
}

Result<std::uint64_t> as_value(const Answer& answer) {
    switch (answer.kind) {
        case Kind::kRegular:
        case Kind::kNotifyOnDetach:
            return answer.value;
        case Kind::kDescription:
        case Kind::kDescriptions:
            return fail(Errno::kEIO);
        case Kind::kServerGone:
            break;
    }
    return fail(Errno::kENODEV);
}

Result<std::uint64_t> as_std_fs_value(const Answer& answer, scheme::DetachWish& detach) {
    detach = answer.kind == Kind::kNotifyOnDetach ? scheme::DetachWish::kYes : scheme::DetachWish::kNo;
    return as_value(answer);
}

Result<scheme::OpenResult> as_opened(Answer answer) {
    switch (answer.kind) {
        case Kind::kRegular:
        case Kind::kNotifyOnDetach: {
            const std::uint64_t number = TRY(std::move(answer.value));
            if ((answer.new_fd_flags & ~abi::NewFdFlags::kPositioned) != 0) return fail(Errno::kEINVAL);
            return scheme::OpenedHandle{
                .number = HandleNumber{number},
                .positioned = (answer.new_fd_flags & abi::NewFdFlags::kPositioned) != 0};
        }
        case Kind::kDescription:
            return std::move(answer.descriptions.front());
        case Kind::kDescriptions:
            return fail(Errno::kEIO);
        case Kind::kServerGone:
            break;
    }
    return fail(Errno::kENODEV);
}

Result<std::vector<scheme::DescriptionRef>> as_descriptions(Answer answer) {
    switch (answer.kind) {
        case Kind::kRegular:
        case Kind::kNotifyOnDetach:
            return fail(answer.value ? Errno::kEIO : answer.value.error());
        case Kind::kDescription:
            return fail(Errno::kEIO);
        case Kind::kDescriptions:
            return std::move(answer.descriptions);
        case Kind::kServerGone:
            break;
    }
    return fail(Errno::kENODEV);
}

}  // namespace halfcell::user_scheme
