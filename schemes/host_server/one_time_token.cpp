#include "schemes/host_server/one_time_token.h"

#include <sys/random.h>

#include <cstddef>
#include <utility>

namespace halfcell::host_server {

bool equal_in_constant_time(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b) {
    if (a.size() != b.size()) return false;
    // Volatile, so that no compiler finds out that the rest cannot matter.
    volatile std::uint8_t difference = 0;
    for (std::size_t i = 0; i < a.size(); ++i)
        difference = static_cast<std::uint8_t>(difference | (a[i] ^ b[i]));
    return difference == 0;
}

Result<OneTimeToken> OneTimeToken::issue(Clock::time_point expires) {
    TokenBytes bytes;
    // 256 bytes or fewer come whole.
    if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
        return fail(Errno::kEAGAIN);
    return OneTimeToken(bytes, expires);
}

OneTimeToken::Verdict OneTimeToken::present(const TokenBytes& presented, Clock::time_point now) {
    // Compared whatever else is wrong, so that the time tells nothing.
    const bool equal = equal_in_constant_time(bytes_, presented);
    const bool used = std::exchange(used_, true);
    if (used) return Verdict::kUsed;
    if (now >= expires_) return Verdict::kExpired;
    return equal ? Verdict::kAccepted : Verdict::kWrong;
}

}  // namespace halfcell::host_server
