// Terminal: what its settings handles transfer, byte for byte what is stored.

#include <algorithm>

#include "schemes/pty/terminal.h"

namespace halfcell::schemes {

namespace {

template <typename Struct>
std::span<const std::byte> bytes_of(const Struct& value) {
    return std::as_bytes(std::span(&value, 1));
}

}  // namespace

// `current` with its first bytes replaced by as many as `from` has.
template <typename Struct>
Result<Struct> Terminal::merged(Struct current, const mem::UserIn& from, std::uint64_t& count) const {
    count = std::min<std::uint64_t>(from.size(), sizeof current);
    TRY(from.read(0, std::as_writable_bytes(std::span(&current, 1)).first(count)));
    return current;
}

Result<std::uint64_t> Terminal::read_termios(const mem::UserOut& to) {
    Lock lock(mutex_);
    if (hung_up_) return 0;
    const abi::Termios settings = discipline_.settings();
    lock.unlock();
    return to.write_common(bytes_of(settings));
}

Result<std::uint64_t> Terminal::write_termios(const mem::UserIn& from) {
    Lock lock(mutex_);
    if (hung_up_) return fail(Errno::kEPIPE);
    const abi::Termios old = discipline_.settings();
    lock.unlock();
    std::uint64_t count = 0;
    const abi::Termios settings = TRY(merged(old, from, count));
    apply(settings);
    return count;
}

Result<std::uint64_t> Terminal::read_winsize(const mem::UserOut& to) {
    Lock lock(mutex_);
    if (hung_up_) return 0;
    const abi::Winsize size = winsize_;
    lock.unlock();
    return to.write_common(bytes_of(size));
}

Result<std::uint64_t> Terminal::write_winsize(const mem::UserIn& from) {
    Lock lock(mutex_);
    if (hung_up_) return fail(Errno::kEPIPE);
    const abi::Winsize old = winsize_;
    lock.unlock();
    std::uint64_t count = 0;
    set_winsize(TRY(merged(old, from, count)));
    return count;
}

Result<std::uint64_t> Terminal::read_group(const mem::UserOut& to) {
    Lock lock(mutex_);
    if (hung_up_) return 0;
    const std::uint32_t group = group_;
    lock.unlock();
    if (to.size() < sizeof group) return fail(Errno::kEBADF);
    return to.write_common(bytes_of(group));
}

Result<std::uint64_t> Terminal::write_group(const mem::UserIn& from) {
    if (hung_up()) return fail(Errno::kEPIPE);
    if (from.size() < sizeof(std::uint32_t)) return fail(Errno::kEBADF);
    set_group(TRY(from.read_exact<std::uint32_t>()));
    return sizeof(std::uint32_t);
}

}  // namespace halfcell::schemes
