#pragma once

// Scheme 1: the kernel's console. Source: kernel:src/scheme/debug.rs.

#include "kernel_shim/scheme/handle_map.h"
#include "kernel_shim/scheme/record_queue.h"
#include "kernel_shim/scheme/scheme.h"
#include "schemes/kernel/console.h"
#include "schemes/kernel/kernel_log.h"
#include "schemes/stdio/host_watcher.h"

namespace halfcell::schemes {

// Names, for euid 0 only: "" prints and logs, "no-preserve" only prints, "disable-graphical-debug" swallows
// (there is no graphical console to turn off). The console's end of input is read as 0 (host deviation: a
// serial line has no end).
class DebugScheme final : public scheme::Scheme {
  public:
    // `console` outlives the scheme.
    DebugScheme(ConsoleSink& console, std::shared_ptr<KernelLog> log);

    [[nodiscard]] std::string_view name() const override { return "debug"; }

    Result<scheme::OpenedHandle> root() override;
    Result<scheme::OpenResult> openat(const scheme::Caller& caller, HandleNumber base, std::string_view path,
                                      std::uint64_t flags, std::uint32_t fcntl_flags) override;
    Result<std::uint64_t> read(const scheme::Caller& caller, HandleNumber number, const mem::UserOut& to,
                               scheme::TransferFlags flags) override;
    // Always the whole length, but EFAULT; 0 for disable-graphical-debug.
    Result<std::uint64_t> write(const scheme::Caller& caller, HandleNumber number, const mem::UserIn& from,
                                scheme::TransferFlags flags) override;
    // Nothing is ever ready at registration; input triggers EVENT_READ, also input that waits already (host
    // deviation: upstream stays silent until the next key, but piped input has no next key).
    Result<std::uint64_t> fevent(const scheme::Caller& caller, HandleNumber number,
                                 std::uint64_t flags) override;
    Result<std::uint64_t> fpath(const scheme::Caller& caller, HandleNumber number,
                                const mem::UserOut& to) override;
    Result<void> fsync(const scheme::Caller& caller, HandleNumber number) override;
    Result<void> close(HandleNumber number) override;

  private:
    enum class Kind : std::uint8_t { kRoot, kConsole, kNoPreserve, kDisableGraphical };
    [[nodiscard]] Result<Kind> kind(HandleNumber number) const;
    static bool prints(Kind kind) { return kind == Kind::kConsole || kind == Kind::kNoPreserve; }

    ConsoleSink& console_;
    const std::shared_ptr<KernelLog> log_;
    scheme::HandleMap<Kind> handles_;
    scheme::RecordQueue<std::uint8_t, LockLevel::kObject>
        no_input_;  // what is read where the console has no keys
    HostWatcher watcher_;
};

}  // namespace halfcell::schemes
