// SYS_CALL and SYS_SENDFD: what a scheme offers beyond reading and writing, and descriptors that travel.
// Source: kernel:src/syscall/fs.rs call, call_normal, call_fdwrite, call_fdread, sendfd.

#include <algorithm>
#include <array>
#include <vector>

#include "abi/data.h"
#include "kernel_shim/fd/handoff.h"
#include "kernel_shim/syscall/handlers.h"

namespace halfcell::syscall {

namespace {

using abi::CallFlags;

constexpr std::uint64_t kWordCountMask = 0xff;
constexpr std::uint64_t kKnownFlags = CallFlags::kConsume | CallFlags::kWrite | CallFlags::kRead |
                                      CallFlags::kFd | CallFlags::kFdExclusive | CallFlags::kFdClone |
                                      CallFlags::kFdUpper | CallFlags::kFdCloexec | CallFlags::kStdFs;
constexpr std::uint64_t kWord = sizeof(std::uint64_t);

// At most this much metadata is read; callers may name more.
class Metadata {
  public:
    static constexpr std::size_t kMostWords = 3;

    // EFAULT for the whole range or for what is read of it.
    static Result<Metadata> read(mem::AddressSpace& space, std::uint64_t address, std::uint64_t words) {
        const auto bytes = TRY(mem::UserIn::create(space, address, words * kWord));
        Metadata metadata;
        metadata.count_ = std::min<std::uint64_t>(words, kMostWords);
        TRY(bytes.read(0, std::as_writable_bytes(std::span(metadata.words_).first(metadata.count_))));
        return metadata;
    }
    [[nodiscard]] std::span<const std::uint64_t> words() const { return std::span(words_).first(count_); }

  private:
    std::array<std::uint64_t, kMostWords> words_{};
    std::size_t count_ = 0;
};

// A payload as descriptor numbers; a trailing part of a word is ignored. No list of more numbers than a table
// holds can be good, so no more than one beyond that is read.
Result<std::vector<std::uint64_t>> read_numbers(const mem::UserIn& payload) {
    std::vector<std::uint64_t> numbers(std::min(payload.size() / kWord, fd::kMaxDescriptors + 1));
    TRY(payload.read(0, std::as_writable_bytes(std::span(numbers))));
    return numbers;
}

// Its answer decides anew whether the scheme hears of closes.
// Source: kernel:src/scheme/user.rs RespondAndNotifyOnDetach.
Result<std::uint64_t> std_fs_call(Call& call, scheme::Scheme& scheme, scheme::FileDescription& description,
                                  const mem::UserInOut& payload, const Metadata& metadata) {
    const auto words = metadata.words();
    if (words.size() < Metadata::kMostWords) return fail(Errno::kEINVAL);
    abi::StdFsCallKind kind{};
    if (!abi::try_from_raw(words[0] & 0xff, kind)) return fail(Errno::kEOPNOTSUPP);
    abi::StdFsCallMeta meta{};
    meta.kind = static_cast<std::uint8_t>(kind);
    meta.arg1 = words[1];
    meta.arg2 = words[2];
    scheme::DetachWish detach =
        description.notify_on_detach() ? scheme::DetachWish::kYes : scheme::DetachWish::kNo;
    const Result<std::uint64_t> value =
        scheme.std_fs_call(call.caller, description.number(), payload, meta, detach);
    description.set_notify_on_detach(detach == scheme::DetachWish::kYes);
    return value;
}

Result<std::uint64_t> call_scheme(Call& call, const mem::UserInOut& payload, std::uint64_t flags,
                                  const Metadata& metadata) {
    const FdNumber fd{call.args[0]};
    // A consumed descriptor is gone whatever the scheme answers, and its last reference closes the handle.
    const bool consume = (flags & CallFlags::kConsume) != 0;
    const fd::Descriptor descriptor = TRY(consume ? call.files.remove(fd) : call.files.find_descriptor(fd));
    scheme::Scheme* const scheme = TRY(descriptor.description->scheme());
    if ((flags & CallFlags::kStdFs) != 0)
        return std_fs_call(call, *scheme, *descriptor.description, payload, metadata);
    return scheme->call(call.caller, descriptor.description->number(), payload, flags, metadata.words());
}

// Sends what `fds` name to the scheme of `socket` and returns its value. The socket's own reference is not
// held: a descriptor may be sent over itself, exclusively too.
// Source: kernel:src/syscall/fs.rs fdwrite_inner.
Result<std::uint64_t> send(Call& call, std::uint64_t socket, std::span<const std::uint64_t> fds,
                           std::uint64_t flags, std::uint64_t argument,
                           std::span<const std::uint64_t> metadata) {
    HandleNumber number;
    std::shared_ptr<scheme::Scheme> scheme;
    {
        const scheme::DescriptionRef description = TRY(call.files.find(FdNumber{socket}));
        scheme = TRY(description->shared_scheme());
        number = description->number();
    }
    const auto sending = (flags & CallFlags::kFdClone) != 0 ? fd::Sending::kCopy : fd::Sending::kMove;
    const std::uint64_t exclusive = flags & CallFlags::kFdExclusive;
    fd::Taken taken = TRY(fd::take_descriptions(call.files, fds, sending, exclusive != 0));
    const Result<std::uint64_t> sent =
        scheme->fd_write(call.caller, number, std::move(taken.descriptions), exclusive, argument, metadata);
    if (!sent) fd::give_back(call.files, fds, std::move(taken));
    return sent;
}

// Puts received descriptions into the caller's table and their numbers into the payload.
// Source: kernel:src/context/context.rs bulk_add_fds, bulk_insert_fds.
Result<void> receive(Call& call, const mem::UserInOut& payload, std::uint64_t flags,
                     std::vector<scheme::DescriptionRef>& descriptions) {
    if (payload.size() != descriptions.size() * kWord) return fail(Errno::kEINVAL);
    const bool cloexec = (flags & CallFlags::kFdCloexec) != 0;
    fd::Placing placing = fd::Placing::kLower;
    std::vector<std::uint64_t> named;
    if ((flags & CallFlags::kFdUpper) != 0) {
        named = TRY(read_numbers(payload.in()));
        placing = named.front() == UINT64_MAX ? fd::Placing::kUpperRun : fd::Placing::kUpperNamed;
    }
    const auto numbers = TRY(fd::place_descriptions(call.files, descriptions, cloexec, placing, named));
    if (placing == fd::Placing::kUpperNamed) return {};
    std::vector<std::uint64_t> words;
    words.reserve(numbers.size());
    for (const FdNumber number : numbers)
        words.push_back(number.value());
    const Result<void> told = payload.out().write(0, std::as_bytes(std::span(words)));
    if (told) return {};
    // Nobody could use what nobody knows the numbers of.
    descriptions.clear();
    for (const FdNumber number : numbers)
        if (auto removed = call.files.remove(number)) descriptions.push_back(std::move(removed->description));
    return told;
}

Result<std::uint64_t> call_fd_read(Call& call, const mem::UserInOut& payload, std::uint64_t flags,
                                   const Metadata& metadata) {
    const Target target = TRY(find_target(call, call.args[0]));
    auto descriptions =
        TRY(target.scheme->fd_read(call.caller, target.number(), payload.size(), flags, metadata.words()));
    const std::uint64_t count = descriptions.size();
    if (count == 0) return 0;
    const Result<void> received = receive(call, payload, flags, descriptions);
    if (received) return count;
    target.scheme->fd_unread(target.number(), std::move(descriptions), metadata.words());
    return fail(received.error());
}

Result<std::uint64_t> call_fd_write(Call& call, const mem::UserInOut& payload, std::uint64_t flags,
                                    const Metadata& metadata) {
    const std::vector<std::uint64_t> fds = TRY(read_numbers(payload.in()));
    TRY(send(call, call.args[0], fds, flags, 0, metadata.words()));
    return fds.size();
}

}  // namespace

Result<std::uint64_t> sys_call(Call& call) {
    const auto payload = TRY(mem::UserInOut::create(call.space, call.args[1], call.args[2]));
    const std::uint64_t flags = call.args[3] & ~kWordCountMask;
    if ((flags & ~kKnownFlags) != 0) return fail(Errno::kEINVAL);
    const Metadata metadata = TRY(Metadata::read(call.space, call.args[4], call.args[3] & kWordCountMask));
    if ((flags & CallFlags::kFd) != 0 && (flags & CallFlags::kWrite) != 0)
        return call_fd_write(call, payload, flags, metadata);
    if ((flags & CallFlags::kFd) != 0 && (flags & CallFlags::kRead) != 0)
        return call_fd_read(call, payload, flags, metadata);
    return call_scheme(call, payload, flags, metadata);
}

Result<std::uint64_t> sys_sendfd(Call& call) {
    using abi::SendFdFlags;
    const std::uint64_t requested = call.args[2];
    if ((requested & ~(SendFdFlags::kExclusive | SendFdFlags::kClone)) != 0) return fail(Errno::kEINVAL);
    std::uint64_t flags = 0;
    if ((requested & SendFdFlags::kClone) != 0) flags |= CallFlags::kFdClone;
    if ((requested & SendFdFlags::kExclusive) != 0) flags |= CallFlags::kFdExclusive;
    return send(call, call.args[0], std::span(&call.args[1], 1), flags, call.args[3], {});
}

}  // namespace halfcell::syscall
