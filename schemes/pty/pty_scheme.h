#pragma once

// The scheme `pty`: opening "" makes a terminal and gives its master, opening its number a slave, and the dup
// strings "termios", "winsize" and "pgrp" its settings. Source: base:ptyd/src/scheme.rs.

#include <functional>
#include <memory>

#include "kernel_shim/task/clock.h"
#include "schemes/common/rooted_scheme.h"
#include "schemes/kernel/timers.h"
#include "schemes/pty/terminal.h"

namespace halfcell::schemes {

// What a handle of the scheme shows.
struct PtyHandle {
    enum class Kind : std::uint8_t { kMaster, kSlave, kTermios, kWinsize, kGroup };

    PtyHandle(Kind the_kind, std::shared_ptr<Terminal> the_terminal, std::uint64_t the_flags)
        : kind(the_kind), terminal(std::move(the_terminal)), flags(the_flags) {}
    const Kind kind;
    const std::shared_ptr<Terminal> terminal;
    HandleFlags flags;
};

class PtyScheme final : public RootedScheme<PtyHandle>,
                        public std::enable_shared_from_this<PtyScheme>,
                        private TerminalHost {
  public:
    // Sends a signal to a process group as user 0 would; called without a lock, from any thread.
    using SignalGroup = std::function<void(std::uint32_t group, std::uint32_t signal)>;

    // `clock` outlives the scheme.
    PtyScheme(const task::Clock& clock, SignalGroup signal_group);

    // --- for the supervisor.

    // A terminal whose master is the caller: `terminal` is its side, `slave` an open slave. close_terminal()
    // hangs it up. The scheme must be registered and live in a shared_ptr.
    struct Hosted {
        std::shared_ptr<Terminal> terminal;
        scheme::DescriptionRef slave;
    };
    Hosted host_terminal();
    void close_terminal(const Terminal& terminal);

    // --- Scheme.

    [[nodiscard]] std::string_view name() const override { return "pty"; }
    // EINVAL for any other string.
    Result<scheme::OpenResult> dup(const scheme::Caller& caller, HandleNumber number,
                                   const mem::UserIn& name) override;
    Result<std::uint64_t> read(const scheme::Caller& caller, HandleNumber number, const mem::UserOut& to,
                               scheme::TransferFlags flags) override;
    Result<std::uint64_t> write(const scheme::Caller& caller, HandleNumber number, const mem::UserIn& from,
                                scheme::TransferFlags flags) override;
    // EBADF for settings.
    Result<std::uint64_t> fevent(const scheme::Caller& caller, HandleNumber number,
                                 std::uint64_t flags) override;
    // "/scheme/pty/NUMBER". EPIPE where the master has gone.
    Result<std::uint64_t> fpath(const scheme::Caller& caller, HandleNumber number,
                                const mem::UserOut& to) override;
    Result<void> fstat(const scheme::Caller& caller, HandleNumber number, const mem::UserOut& to) override;
    // Of a slave: leaves a mark for the master. EPIPE.
    Result<void> fsync(const scheme::Caller& caller, HandleNumber number) override;

  private:
    using Kind = PtyHandle::Kind;
    // "" makes a terminal. EINVAL for what is no number, ENOENT for the number of no terminal; the numbers of
    // a terminal's other handles mean the same terminal.
    Result<scheme::OpenResult> open(const scheme::Caller& caller, std::string_view path,
                                    std::uint64_t flags) override;
    void closed(HandleNumber number, const std::shared_ptr<PtyHandle>& handle) override;
    static Terminal::Transfer transfer(const scheme::Caller& caller, HandleNumber number,
                                       const PtyHandle& handle, scheme::TransferFlags flags);
    HandleNumber add_master(std::uint64_t flags);
    HandleNumber add_other(Kind kind, std::shared_ptr<Terminal> terminal, std::uint64_t flags);

    // --- TerminalHost.
    [[nodiscard]] LineDiscipline::Time now() const override { return clock_.monotonic(); }
    void wake_at(HandleNumber terminal, LineDiscipline::Time when) override;
    void ready(HandleNumber handle, std::uint64_t flags) override { trigger(handle, flags); }
    void signal_group(std::uint32_t group, std::uint32_t signal) override { signal_group_(group, signal); }

    const task::Clock& clock_;
    const SignalGroup signal_group_;
    Timers timers_;
};

}  // namespace halfcell::schemes
