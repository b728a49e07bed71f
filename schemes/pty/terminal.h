#pragma once

// One pseudo-terminal: the line discipline between a master and its slaves, shared by threads that may wait.
// Its master is a handle of the pty scheme, or the supervisor with a terminal of the host.
// Source: base:ptyd/src/controlterm.rs, subterm.rs, termios.rs, winsize.rs, pgrp.rs.

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "abi/termios.h"
#include "kernel_shim/base/guarded.h"
#include "kernel_shim/base/ids.h"
#include "kernel_shim/base/result.h"
#include "kernel_shim/mem/user_slice.h"
#include "kernel_shim/wait/wait_queue.h"
#include "schemes/pty/line_discipline.h"

namespace halfcell::schemes {

// What a terminal needs of its surroundings. All are called without a lock.
class TerminalHost {
  public:
    virtual ~TerminalHost() = default;
    // Nanoseconds, monotonic.
    [[nodiscard]] virtual LineDiscipline::Time now() const = 0;
    // Calls due() of the terminal with that number at or after `when`.
    virtual void wake_at(HandleNumber terminal, LineDiscipline::Time when) = 0;
    // `handle` has become ready for `flags` (abi::EventFlags).
    virtual void ready(HandleNumber handle, std::uint64_t flags) = 0;
    // Sends a signal to a process group, with the rights of user 0.
    virtual void signal_group(std::uint32_t group, std::uint32_t signal) = 0;
};

enum class Side : std::uint8_t { kMaster, kSlave };

class Terminal {
  public:
    using Host = TerminalHost;

    // `host` outlives it. `number` names the terminal: /scheme/pty/NUMBER.
    Terminal(Host& host, HandleNumber number) : host_(host), number_(number) {}
    Terminal(const Terminal&) = delete;
    Terminal& operator=(const Terminal&) = delete;

    [[nodiscard]] HandleNumber number() const { return number_; }
    [[nodiscard]] std::string path() const { return "/scheme/pty/" + std::to_string(number_.value()); }
    [[nodiscard]] bool hung_up() const;

    // What one read or write of a handle is about.
    struct Transfer {
        HandleNumber handle;
        bool nonblocking;
        wait::Waiter& waiter;
    };

    // --- the slave's side.

    // At most one packet of input, what does not fit stays; 0 for an end of file and after the master went.
    // Nothing there: EAGAIN or sleeps; EINTR. EFAULT keeps the packet.
    Result<std::uint64_t> read_input(const mem::UserOut& to, const Transfer& how);
    // All of `from` as output, in packets of at most 64 KiB. Too much unread: EAGAIN or sleeps; EINTR. What
    // ends it after a packet makes a short count. EPIPE after the master went. EFAULT.
    Result<std::uint64_t> write_output(const mem::UserIn& from, const Transfer& how);
    // Leaves a mark among the output. EPIPE after the master went.
    Result<void> sync();

    // --- the master's side.

    // At most one packet of output: its first byte (LineDiscipline::kData, kSynced), which what does not fit
    // begins with again, and what follows. Nothing there: EAGAIN, also where no slave is open; else sleeps;
    // EINTR. EFAULT keeps the packet.
    Result<std::uint64_t> read_output(const mem::UserOut& to, const Transfer& how);
    // Types all of `from`. Too much unread: EAGAIN or sleeps; EINTR. A short count as in write_output().
    Result<std::uint64_t> write_input(const mem::UserIn& from, const Transfer& how);
    // The master is gone: slaves read 0, write EPIPE, and whoever waits wakes.
    void hang_up();

    // --- settings; 0 / EPIPE after the master went. A longer or shorter buffer transfers the common bytes.
    Result<std::uint64_t> read_termios(const mem::UserOut& to);
    Result<std::uint64_t> write_termios(const mem::UserIn& from);
    Result<std::uint64_t> read_winsize(const mem::UserOut& to);
    Result<std::uint64_t> write_winsize(const mem::UserIn& from);
    // EBADF where the buffer does not hold 4 bytes.
    Result<std::uint64_t> read_group(const mem::UserOut& to);
    Result<std::uint64_t> write_group(const mem::UserIn& from);

    // --- handles.

    // A handle other than the master came / went.
    void slave_opened();
    void slave_closed();
    // A side as a handle is interested in it; returns what is ready now (abi::EventFlags). From now on its
    // readability is reported once per edge.
    std::uint64_t watch(HandleNumber handle, Side side);
    void forget(HandleNumber handle);
    // A time asked for with TerminalHost::wake_at has come.
    void due();

    // --- for a master that is no handle. None of these waits.

    // Types what there is room for and returns how much that was.
    std::size_t type(std::string_view bytes);
    // Acts on the first key among `bytes` that is a signal, as if everything before it had been thrown away.
    // Returns whether there was one.
    bool interrupt(std::string_view bytes);
    // Everything printed since, without marks.
    std::string take_output();
    // `changed` is called, from any thread, when there is output after there was none, and when there is room
    // for input again. Programs may use the terminal already.
    void set_listener(std::function<void()> changed);
    void set_winsize(const abi::Winsize& size);
    // Also tells the foreground group that the window has another size (SIGWINCH), where it has.
    void resize(const abi::Winsize& size);
    void set_group(std::uint32_t group);

  private:
    using Lock = std::unique_lock<LevelMutex<LockLevel::kObject>>;
    struct Watch {
        Side side;
        bool told = false;  // that it is readable
    };
    // What has to be told once the lock is free.
    struct News {
        std::vector<HandleNumber> readable;
        std::vector<std::uint32_t> signals;
        std::uint32_t group = 0;
        std::optional<LineDiscipline::Time> wake_at;
        std::shared_ptr<const std::function<void()>> listener;  // null: not to be called
    };

    // Runs `use` under the lock, then wakes and tells whoever is concerned. Returns what it returns.
    template <typename Use>
    auto change(Use use);
    // Wakes waiters and collects the rest. The lock must be held.
    void settle();
    void publish(const News& news);

    template <typename Open>
    Result<void> wait_until(wait::WaitQueue& queue, const char* reason, wait::Waiter& waiter, Open open);
    // One packet or piece. EAGAIN where there is none / no room.
    Result<std::string> next_input(HandleNumber handle);
    Result<std::string> next_output(HandleNumber handle);
    template <typename Add, typename Wait>
    Result<std::uint64_t> write_pieces(const mem::UserIn& from, std::size_t piece, const Transfer& how,
                                       Add add, Wait wait);
    void stop_telling(HandleNumber handle);
    void apply(const abi::Termios& settings);
    template <typename Struct>
    Result<Struct> merged(Struct current, const mem::UserIn& from, std::uint64_t& count) const;

    Host& host_;
    const HandleNumber number_;

    mutable LevelMutex<LockLevel::kObject> mutex_;
    // --- guarded by mutex_.
    std::shared_ptr<const std::function<void()>> listener_;
    LineDiscipline discipline_;
    abi::Winsize winsize_;
    std::uint32_t group_ = 0;
    bool hung_up_ = false;
    std::uint32_t slaves_ = 0;
    std::map<HandleNumber, Watch> watches_;
    std::optional<LineDiscipline::Time> wake_asked_;  // the earliest wake_at that has not come
    bool listener_told_ = false;
    bool input_was_full_ = false;
    News news_;
    wait::WaitQueue input_readers_;
    wait::WaitQueue input_writers_;
    wait::WaitQueue output_readers_;
    wait::WaitQueue output_writers_;
};

}  // namespace halfcell::schemes
