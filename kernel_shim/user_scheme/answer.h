#pragma once

// What a server answered, and what the caller of each operation makes of it: the acceptance matrix.
// Source: kernel:src/scheme/user.rs Response, as_regular, as_fd, handle_open_res.

#include <cstdint>
#include <vector>

#include "kernel_shim/base/result.h"
#include "kernel_shim/scheme/scheme.h"

namespace halfcell::user_scheme {

struct Answer {
    enum class Kind : std::uint8_t {
        kRegular,         // RespondRegular
        kNotifyOnDetach,  // RespondAndNotifyOnDetach
        kDescription,     // RespondWithFd: one in `descriptions`
        kDescriptions,    // RespondWithMultipleFds
        kServerGone,      // nobody will answer any more
    };
    Kind kind = Kind::kRegular;
    Result<std::uint64_t> value = 0;  // of the first two kinds
    std::uint8_t new_fd_flags = 0;    // abi::NewFdFlags of kRegular, unchecked
    std::vector<scheme::DescriptionRef> descriptions;
};

// The number in a completion: an errno where its low 32 bits are one, else all of it.
// Source: syscall:src/error.rs Error::demux.
[[nodiscard]] Result<std::uint64_t> demux(std::uint64_t word);

// What reaches the caller of a cancelled, or not cancelled, request instead of a server's value: ECANCELED
// becomes EINTR where a Cancel was sent, EINTR becomes EIO where none was.
// Source: kernel:src/scheme/user.rs respond.
[[nodiscard]] Result<std::uint64_t> translate(Result<std::uint64_t> value, bool cancelled);

// For operations whose answer is a number. EIO for answers with descriptions, ENODEV when the server is gone.
[[nodiscard]] Result<std::uint64_t> as_value(const Answer& answer);

// The same for STD_FS calls, whose answers also say whether the server wants to hear of closes.
[[nodiscard]] Result<std::uint64_t> as_std_fs_value(const Answer& answer, scheme::DetachWish& detach);

// For OpenAt and Dup: a number of the server's own, with its flags (EINVAL for unknown ones), or a
// description that already exists. EIO, ENODEV.
[[nodiscard]] Result<scheme::OpenResult> as_opened(Answer answer);

// For Recvfd: descriptions. EIO for any success of another kind, ENODEV.
[[nodiscard]] Result<std::vector<scheme::DescriptionRef>> as_descriptions(Answer answer);

}  // namespace halfcell::user_scheme
