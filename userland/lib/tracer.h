#pragma once

// Another process, traced: its stops, registers and memory. Source: Redox RFC 0004.

#include <cstdint>
#include <optional>
#include <span>

#include "abi/ptrace.h"
#include "abi/regs.h"
#include "userland/rt/syscall.h"

namespace halfcell::userland {

class Tracer {
  public:
    // Attaches to a process. `open_flags`: abi::OpenFlags, of which kTrunc stops it at once, kExcl kills it
    // when the tracer goes, and kNonblock lets event() not wait. ESRCH, EPERM, EBUSY.
    static Result<Tracer> attach(std::uint32_t pid, std::uint64_t open_flags);

    // Sets the next breakpoints (abi::PtraceFlags) and lets the process go on. ESRCH, EINVAL.
    Result<void> resume(std::uint64_t flags) const;
    // The next event; none where the process is stopped and has no more to tell. Waits. ESRCH when it is
    // gone.
    Result<std::optional<abi::PtraceEvent>> event() const;
    // resume, then the cause of the next event; 0 where there was none.
    Result<std::uint64_t> run_to_stop(std::uint64_t flags) const;

    Result<abi::IntRegisters> registers() const;
    Result<void> set_registers(const abi::IntRegisters& registers) const;

    Result<void> read_memory(std::uint64_t address, std::span<std::byte> to) const;
    Result<void> write_memory(std::uint64_t address, std::span<const std::byte> from) const;

    Fd fd() const { return trace_.fd(); }
    // Lets the process run on untraced, or ends it (kExcl).
    void detach() { trace_.reset(); }

  private:
    Tracer(UniqueFd trace, UniqueFd registers, UniqueFd memory)
        : trace_(std::move(trace)), registers_(std::move(registers)), memory_(std::move(memory)) {}

    UniqueFd trace_;
    UniqueFd registers_;
    UniqueFd memory_;
};

}  // namespace halfcell::userland
