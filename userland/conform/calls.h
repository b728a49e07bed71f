#pragma once

// The calls as probes make them: any word in any place, and what is in rax as it is.

#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

#include "abi/data.h"
#include "abi/flags.h"
#include "abi/number.h"
#include "userland/rt/syscall.h"

namespace halfcell::userland::conform {

using std::uint16_t;
using std::uint32_t;
using std::uint64_t;
using std::uint8_t;

// The first address that is not the user's.
inline constexpr uint64_t kUserEnd = uint64_t{1} << 47;
inline constexpr uint64_t kPage = abi::kPageSize;
inline constexpr uint64_t kTag = abi::kUpperFdtblTag;
inline constexpr uint64_t kAll = ~uint64_t{0};
// Nothing is ever mapped there: in the middle of a gap that no placement reaches.
inline constexpr uint64_t kNowhere = 0x6000'0000'0000;
// A descriptor no probe opens.
inline constexpr uint64_t kClosed = 9999;

template <typename T>
uint64_t as_word(T value) {
    if constexpr (std::is_pointer_v<T>)
        return reinterpret_cast<uint64_t>(value);
    else if constexpr (std::is_signed_v<T>)
        return static_cast<uint64_t>(static_cast<std::int64_t>(value));
    else
        return static_cast<uint64_t>(value);
}

template <typename... Words>
uint64_t sc(uint64_t number, Words... words) {
    return raw_syscall(number, as_word(words)...);
}

inline uint64_t openat(uint64_t base, std::string_view path, uint64_t flags = 0) {
    return sc(abi::SYS_OPENAT, base, path.data(), path.size(), flags, 0);
}
inline uint64_t close(uint64_t fd) {
    return sc(abi::SYS_CLOSE, fd);
}
inline uint64_t dup(uint64_t fd, std::string_view name = {}) {
    return sc(abi::SYS_DUP, fd, name.data(), name.size());
}
inline uint64_t dup2(uint64_t fd, uint64_t target) {
    return sc(abi::SYS_DUP2, fd, target, 0, 0);
}
template <typename Buffer>
uint64_t read(uint64_t fd, Buffer buffer, uint64_t size) {
    return sc(abi::SYS_READ, fd, buffer, size);
}
template <typename Buffer>
uint64_t write(uint64_t fd, Buffer buffer, uint64_t size) {
    return sc(abi::SYS_WRITE, fd, buffer, size);
}
template <typename Buffer>
uint64_t read2(uint64_t fd, Buffer buffer, uint64_t size, uint64_t offset, uint64_t flags) {
    return sc(abi::SYS_READ2, fd, buffer, size, offset, flags);
}
template <typename Buffer>
uint64_t write2(uint64_t fd, Buffer buffer, uint64_t size, uint64_t offset, uint64_t flags) {
    return sc(abi::SYS_WRITE2, fd, buffer, size, offset, flags);
}
inline uint64_t lseek(uint64_t fd, std::int64_t offset, uint64_t whence) {
    return sc(abi::SYS_LSEEK, fd, offset, whence);
}
inline uint64_t fcntl(uint64_t fd, uint64_t command, uint64_t argument = 0) {
    return sc(abi::SYS_FCNTL, fd, command, argument);
}
inline uint64_t fmap(uint64_t fd, uint64_t offset, uint64_t size, uint64_t flags, uint64_t address = 0) {
    const abi::Map map{offset, size, flags, address};
    return sc(abi::SYS_FMAP, fd, &map, sizeof map);
}
inline uint64_t anon(uint64_t size, uint64_t flags, uint64_t address = 0) {
    return fmap(kAll, 0, size, flags, address);
}
inline uint64_t funmap(uint64_t address, uint64_t size) {
    return sc(abi::SYS_FUNMAP, address, size);
}
inline uint64_t mprotect(uint64_t address, uint64_t size, uint64_t flags) {
    return sc(abi::SYS_MPROTECT, address, size, flags);
}
inline uint64_t mremap(uint64_t old, uint64_t old_size, uint64_t to, uint64_t size, uint64_t flags) {
    return sc(abi::SYS_MREMAP, old, old_size, to, size, flags);
}
template <typename Address, typename Time = uint64_t>
uint64_t futex(Address address, uint64_t operation, uint64_t value, Time deadline = 0) {
    return sc(abi::SYS_FUTEX, address, operation, value, deadline, 0);
}
template <typename Payload, typename Words = uint64_t>
uint64_t call(uint64_t fd, Payload payload, uint64_t size, uint64_t flags, Words words = 0) {
    return sc(abi::SYS_CALL, fd, payload, size, flags, words);
}
inline uint64_t sendfd(uint64_t socket, uint64_t fd, uint64_t flags, uint64_t argument = 0) {
    return sc(abi::SYS_SENDFD, socket, fd, flags, argument);
}
inline uint64_t fevent(uint64_t fd, uint64_t flags) {
    return sc(abi::SYS_FEVENT, fd, flags);
}

// Short names for what probes say all the time.
inline constexpr uint64_t kR = abi::MapFlags::kProtRead;
inline constexpr uint64_t kW = abi::MapFlags::kProtWrite;
inline constexpr uint64_t kX = abi::MapFlags::kProtExec;
inline constexpr uint64_t kRw = kR | kW;
inline constexpr uint64_t kShared = abi::MapFlags::kMapShared;
inline constexpr uint64_t kFixed = abi::MapFlags::kMapFixed;
inline constexpr uint64_t kFixedNoreplace = abi::MapFlags::kMapFixedNoreplace;
// SYS_CALL with a list of descriptors: to give, and to take.
inline constexpr uint64_t kGive = abi::CallFlags::kFd | abi::CallFlags::kWrite;
inline constexpr uint64_t kTake = abi::CallFlags::kFd | abi::CallFlags::kRead;
using Open = abi::OpenFlags;
using Fcntl = abi::FcntlCommand;
using Ready = abi::EventFlags;
using Futex = abi::FutexOp;
using Call = abi::CallFlags;

// Through a register of which the compiler knows nothing: address 0 is as good as any.
inline uint64_t load(uint64_t address) {
    __asm__ volatile("" : "+r"(address));
    return *reinterpret_cast<const volatile uint64_t*>(address);
}
inline void store(uint64_t address, uint64_t value) {
    __asm__ volatile("" : "+r"(address));
    *reinterpret_cast<volatile uint64_t*>(address) = value;
}

}  // namespace halfcell::userland::conform
