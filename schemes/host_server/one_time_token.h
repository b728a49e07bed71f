#pragma once

// What a server shows to be given a connection: random, good once, and not for long.

#include <chrono>
#include <span>

#include "kernel_shim/base/result.h"
#include "schemes/server/host_protocol.h"

namespace halfcell::host_server {

using server::TokenBytes;
using Clock = std::chrono::steady_clock;

// Takes as long wherever the two differ. Sizes are no secret: different ones are unequal at once.
[[nodiscard]] bool equal_in_constant_time(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b);

class OneTimeToken {
  public:
    // Fresh bytes from the host, good until `expires`. EAGAIN where the host has no randomness to give.
    static Result<OneTimeToken> issue(Clock::time_point expires);

    [[nodiscard]] const TokenBytes& bytes() const { return bytes_; }

    enum class Verdict : std::uint8_t { kAccepted, kWrong, kUsed, kExpired };
    // The first presentation decides, also where it is wrong: there is no second guess.
    Verdict present(const TokenBytes& presented, Clock::time_point now);

  private:
    OneTimeToken(const TokenBytes& bytes, Clock::time_point expires) : bytes_(bytes), expires_(expires) {}

    TokenBytes bytes_;
    Clock::time_point expires_;
    bool used_ = false;
};

}  // namespace halfcell::host_server
