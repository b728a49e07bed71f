#pragma once

// The ways descriptors travel between programs, as a test of all of them sees them: put in at one end, taken
// out at the other.

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "userland/rt/syscall.h"

namespace halfcell::userland {

class Carrier {
  public:
    virtual ~Carrier() = default;

    // SYS_CALL with CallFlags::kFd: `flags` are those besides. Numbers are taken out in the order they were
    // put in.
    virtual Result<std::uint64_t> put(std::span<std::uint64_t> numbers, std::uint64_t flags) = 0;
    virtual Result<std::uint64_t> take(std::span<std::uint64_t> numbers, std::uint64_t flags) = 0;
    // The same with SYS_SENDFD.
    virtual Result<std::uint64_t> put_one(std::uint64_t number, std::uint64_t flags) = 0;
    // The first that waits, by an open or a dup. EOPNOTSUPP where there is no such way.
    virtual Result<Fd> take_one() { return Errno::kEOPNOTSUPP; }
    // Makes the next put or take fail: at once, or in its middle. False where it cannot be told to.
    enum class Refusal { kAll, kHalf };
    virtual bool refuse(Refusal) { return false; }
    // Whether a take of more than there is fails at once, instead of waiting for the rest.
    [[nodiscard]] virtual bool impatient() const { return false; }
};

// `kind`: box and ram (`path` is a scheme of boxes, or a RamScheme), pipe, stream, dgram.
Result<std::unique_ptr<Carrier>> make_carrier(std::string_view kind, std::string_view path);

}  // namespace halfcell::userland
