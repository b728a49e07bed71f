#pragma once

// The Redox system calls, typed. Number in rax, arguments in rdi rsi rdx r10 r8 r9, result in rax.
// Source: syscall:src/arch/x86_64.rs, syscall:src/call.rs.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "abi/data.h"
#include "abi/flags.h"
#include "abi/number.h"
#include "userland/rt/result.h"

namespace halfcell::userland {

// A descriptor number of this program. Bit 62 marks the upper table.
enum class Fd : std::uint64_t { kStdin = 0, kStdout = 1, kStderr = 2, kNone = ~std::uint64_t{0} };

inline std::uint64_t raw_syscall(std::uint64_t number, std::uint64_t a = 0, std::uint64_t b = 0,
                                 std::uint64_t c = 0, std::uint64_t d = 0, std::uint64_t e = 0,
                                 std::uint64_t f = 0) {
    std::uint64_t result = number;
    register std::uint64_t r10 __asm__("r10") = d;
    register std::uint64_t r8 __asm__("r8") = e;
    register std::uint64_t r9 __asm__("r9") = f;
    __asm__ volatile("syscall"
                     : "+a"(result)
                     : "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

// A call whose success value is a number.
template <typename... Arguments>
Result<std::uint64_t> checked_syscall(std::uint64_t number, Arguments... arguments) {
    const std::uint64_t value = raw_syscall(number, arguments...);
    if (const std::int32_t code = abi::demux_errno(value); code != 0) return static_cast<Errno>(code);
    return value;
}

inline std::uint64_t word(Fd fd) {
    return static_cast<std::uint64_t>(fd);
}
inline std::uint64_t word(const volatile void* address) {
    return reinterpret_cast<std::uint64_t>(address);
}

// Every wrapper below: the error is the kernel's errno; each may block as long as the scheme behind the
// descriptor does.

inline Result<Fd> sys_openat(Fd directory, std::string_view path, std::uint64_t flags) {
    constexpr std::uint64_t kPassedOn = 0x00CC'0000;  // As libc does: relibc:src/platform/redox/libredox.rs.
    return Fd{RT_TRY(checked_syscall(abi::SYS_OPENAT, word(directory), word(path.data()), path.size(), flags,
                                     flags & kPassedOn))};
}

inline Result<void> sys_unlinkat(Fd directory, std::string_view path, std::uint64_t flags) {
    RT_TRY(checked_syscall(abi::SYS_UNLINKAT, word(directory), word(path.data()), path.size(), flags));
    return {};
}

inline Result<void> sys_close(Fd fd) {
    RT_TRY(checked_syscall(abi::SYS_CLOSE, word(fd)));
    return {};
}

inline Result<Fd> sys_dup(Fd fd, std::string_view name) {
    return Fd{RT_TRY(checked_syscall(abi::SYS_DUP, word(fd), word(name.data()), name.size()))};
}

// Replaces `target`, which is closed first; the result is kept across exec.
inline Result<Fd> sys_dup2(Fd fd, Fd target) {
    return Fd{
        RT_TRY(checked_syscall(abi::SYS_DUP2, word(fd), word(target), std::uint64_t{0}, std::uint64_t{0}))};
}

// command: abi::FcntlCommand.
inline Result<std::uint64_t> sys_fcntl(Fd fd, std::uint64_t command, std::uint64_t argument) {
    return checked_syscall(abi::SYS_FCNTL, word(fd), command, argument);
}

inline Result<std::size_t> sys_read(Fd fd, std::span<std::byte> buffer) {
    return checked_syscall(abi::SYS_READ, word(fd), word(buffer.data()), buffer.size());
}

inline Result<std::size_t> sys_write(Fd fd, std::span<const std::byte> buffer) {
    return checked_syscall(abi::SYS_WRITE, word(fd), word(buffer.data()), buffer.size());
}

inline Result<std::uint64_t> sys_lseek(Fd fd, std::int64_t offset, std::uint64_t whence) {
    return checked_syscall(abi::SYS_LSEEK, word(fd), static_cast<std::uint64_t>(offset), whence);
}

inline Result<abi::Stat> sys_fstat(Fd fd) {
    abi::Stat stat{};
    RT_TRY(checked_syscall(abi::SYS_FSTAT, word(fd), word(&stat), sizeof(stat)));
    return stat;
}

inline Result<abi::StatVfs> sys_fstatvfs(Fd fd) {
    abi::StatVfs stat{};
    RT_TRY(checked_syscall(abi::SYS_FSTATVFS, word(fd), word(&stat), sizeof(stat)));
    return stat;
}

inline Result<void> sys_ftruncate(Fd fd, std::uint64_t length) {
    RT_TRY(checked_syscall(abi::SYS_FTRUNCATE, word(fd), length));
    return {};
}

inline Result<void> sys_fchmod(Fd fd, std::uint16_t mode) {
    RT_TRY(checked_syscall(abi::SYS_FCHMOD, word(fd), std::uint64_t{mode}));
    return {};
}

inline Result<void> sys_fchown(Fd fd, std::uint32_t uid, std::uint32_t gid) {
    RT_TRY(checked_syscall(abi::SYS_FCHOWN, word(fd), std::uint64_t{uid}, std::uint64_t{gid}));
    return {};
}

// times[0] is the access time, times[1] the modification time; tv_nsec may be kTimeOmit.
inline constexpr std::int32_t kTimeOmit = (1 << 30) - 2;
inline Result<void> sys_futimens(Fd fd, std::span<const abi::TimeSpec, 2> times) {
    RT_TRY(checked_syscall(abi::SYS_FUTIMENS, word(fd), word(times.data()), times.size_bytes()));
    return {};
}

inline Result<void> sys_fsync(Fd fd) {
    RT_TRY(checked_syscall(abi::SYS_FSYNC, word(fd)));
    return {};
}

inline Result<std::size_t> sys_fpath(Fd fd, std::span<char> buffer) {
    return checked_syscall(abi::SYS_FPATH, word(fd), word(buffer.data()), buffer.size());
}

inline Result<void> sys_frename(Fd fd, std::string_view path) {
    RT_TRY(checked_syscall(abi::SYS_FRENAME, word(fd), word(path.data()), path.size()));
    return {};
}

inline Result<void> sys_flink(Fd fd, std::string_view path) {
    RT_TRY(checked_syscall(abi::SYS_FLINK, word(fd), word(path.data()), path.size()));
    return {};
}

inline constexpr std::size_t kDirentHeaderSize = 19;
inline Result<std::size_t> sys_getdents(Fd fd, std::span<std::byte> buffer, std::uint64_t opaque) {
    return checked_syscall(abi::SYS_GETDENTS, word(fd), word(buffer.data()), buffer.size(),
                           std::uint64_t{kDirentHeaderSize}, opaque);
}

// SYS_CALL: the low byte of the flag word is the number of metadata words.
inline Result<std::uint64_t> sys_call(Fd fd, std::span<std::byte> payload, std::uint64_t flags,
                                      std::span<const std::uint64_t> metadata) {
    return checked_syscall(abi::SYS_CALL, word(fd), word(payload.data()), payload.size(),
                           flags | metadata.size(), word(metadata.data()));
}

// Maps what is behind a descriptor; Fd::kNone is fresh memory.
inline Result<std::byte*> sys_fmap(Fd fd, const abi::Map& map) {
    return reinterpret_cast<std::byte*>(
        RT_TRY(checked_syscall(abi::SYS_FMAP, word(fd), word(&map), sizeof(map))));
}

// Maps `size` bytes of fresh zeroed memory, readable and writable, where the kernel likes.
inline Result<std::byte*> map_anonymous(std::size_t size) {
    abi::Map map{};
    map.size = size;
    map.flags = abi::MapFlags::kProtRead | abi::MapFlags::kProtWrite | abi::MapFlags::kMapPrivate;
    return sys_fmap(Fd::kNone, map);
}

inline Result<void> unmap(std::byte* address, std::size_t size) {
    RT_TRY(checked_syscall(abi::SYS_FUNMAP, word(address), size));
    return {};
}

inline Result<abi::TimeSpec> sys_clock_gettime(std::uint64_t clock) {
    abi::TimeSpec time{};
    RT_TRY(checked_syscall(abi::SYS_CLOCK_GETTIME, clock, word(&time)));
    return time;
}

inline Result<void> sys_nanosleep(const abi::TimeSpec& request) {
    RT_TRY(checked_syscall(abi::SYS_NANOSLEEP, word(&request), std::uint64_t{0}));
    return {};
}

inline void sys_yield() {
    (void)raw_syscall(abi::SYS_YIELD);
}

// Blocks while *address == expected, until woken; may return without a wake-up.
inline void futex_wait(const volatile std::uint32_t* address, std::uint32_t expected) {
    (void)raw_syscall(abi::SYS_FUTEX, word(address), abi::FutexOp::kWait, expected);
}

inline void futex_wake(const volatile std::uint32_t* address, std::uint32_t count) {
    (void)raw_syscall(abi::SYS_FUTEX, word(address), abi::FutexOp::kWake, count);
}

// Owns a descriptor and closes it. Explicit in and out, move-only.
class UniqueFd {
  public:
    UniqueFd() = default;
    explicit UniqueFd(Fd fd) : fd_(fd) {}
    UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
    UniqueFd& operator=(UniqueFd&& other) noexcept {
        if (this != &other) {
            reset();
            fd_ = other.release();
        }
        return *this;
    }
    ~UniqueFd() { reset(); }

    Fd fd() const { return fd_; }
    Fd release() {
        const Fd fd = fd_;
        fd_ = Fd::kNone;
        return fd;
    }
    void reset() {
        if (fd_ != Fd::kNone) (void)raw_syscall(abi::SYS_CLOSE, word(fd_));
        fd_ = Fd::kNone;
    }

  private:
    Fd fd_ = Fd::kNone;
};

}  // namespace halfcell::userland
