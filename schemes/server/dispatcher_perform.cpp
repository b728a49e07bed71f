// What each request asks of the scheme, and what its answer carries.

#include <algorithm>
#include <array>
#include <cstring>

#include "abi/flags.h"
#include "schemes/server/dispatcher.h"

namespace halfcell::server {

using abi::CqeOpcode;
using abi::Opcode;
using abi::Sqe;

namespace {

// Where only success counts.
Result<std::uint64_t> done(const Result<void>& result) {
    if (!result) return result.error();
    return 0;
}

// A struct for its caller, who must have room for all of it.
template <typename T>
Result<std::uint64_t> put(std::span<std::byte> to, const Result<T>& value) {
    if (!value) return value.error();
    if (to.size() < sizeof(T)) return Errno::kEINVAL;
    std::memcpy(to.data(), &*value, sizeof(T));
    return 0;
}

constexpr std::uint64_t kHighBit = std::uint64_t{1} << 63;

// The two words of a lock: where it begins and whose kind it is, how far it goes and what it allows.
RecordLock record_lock(std::uint64_t start, std::uint64_t length) {
    return {.start = start & ~kHighBit,
            .length = length & ~kHighBit,
            .open_file = (start & kHighBit) != 0,
            .exclusive = (length & kHighBit) != 0};
}

Result<std::uint64_t> find_lock(Scheme& scheme, const Request& request, Id id, std::span<std::byte> payload) {
    std::array<std::uint64_t, 2> words;
    if (payload.size() < sizeof words) return Errno::kEINVAL;
    std::memcpy(words.data(), payload.data(), sizeof words);
    const RecordLock found = RT_TRY(scheme.get_lock(request, id, record_lock(words[0], words[1])));
    words = {found.start | (found.open_file ? kHighBit : 0), found.length | (found.exclusive ? kHighBit : 0)};
    std::memcpy(payload.data(), words.data(), sizeof words);
    return found.owner;
}

}  // namespace

Result<std::span<std::byte>> Dispatcher::buffer_of(const Sqe& sqe) {
    const auto buffer = transport_.buffer(sqe.args[1], sqe.args[2]);
    if (!buffer) return Errno::kEFAULT;
    return *buffer;
}

Result<std::string_view> Dispatcher::text_of(const Sqe& sqe) {
    const std::span<std::byte> bytes = RT_TRY(buffer_of(sqe));
    return std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

Dispatcher::Answer Dispatcher::opened(const Sqe& sqe, Result<Opened> result) {
    if (!result) return {.value = result.error()};
    if (result->descriptor())
        return {.value = transport_.give(sqe.tag, std::move(result->descriptor())),
                .opcode = CqeOpcode::kRespondWithFd};
    if (result->id() != kRoot) open_.push_back(result->id());
    return {.value = result->id(),
            .extra = result->positioned() ? static_cast<std::uint8_t>(abi::NewFdFlags::kPositioned)
                                          : std::uint8_t{0}};
}

Result<std::uint64_t> Dispatcher::list(const Request& request, Id id, std::span<std::byte> to,
                                       std::uint64_t header_size, std::uint64_t from) {
    if (header_size < sizeof(abi::DirentHeader) || header_size > UINT16_MAX) return Errno::kEINVAL;
    abi::DirentWriter writer(reinterpret_cast<std::uint8_t*>(to.data()), to.size(),
                             static_cast<std::uint16_t>(header_size));
    RT_TRY(scheme_.getdents(request, id, from, writer));
    return writer.written();
}

Result<std::uint64_t> Dispatcher::set_times(const Request& request, Id id, std::span<const std::byte> times) {
    std::array<abi::TimeSpec, 2> both;
    if (times.size() < sizeof both) return Errno::kEINVAL;
    std::memcpy(both.data(), times.data(), sizeof both);
    return done(scheme_.futimens(request, id, both[0], both[1]));
}

Dispatcher::Answer Dispatcher::map(const Sqe& sqe, const Request& request) {
    const Result<Mapped> mapped = scheme_.mmap(request, sqe.args[0], sqe.args[3], sqe.args[1], sqe.args[2]);
    if (!mapped) return {.value = mapped.error()};
    if (mapped->pages == nullptr || mapped->offset > mapped->pages->size() ||
        sqe.args[1] > mapped->pages->size() - mapped->offset)
        return {.value = Errno::kEINVAL};
    const auto shown = transport_.show(sqe.tag, *mapped->pages, mapped->offset);
    if (!shown) return {.value = shown.error()};
    return {.value = shown->result, .opcode = shown->opcode};
}

Dispatcher::Answer Dispatcher::receive_descriptors(const Sqe& sqe, const Request& request) {
    Result<std::vector<Descriptor>> given = scheme_.recvfd(request, sqe.args[0], sqe.args[2]);
    if (!given) return {.value = given.error()};
    if (given->size() != sqe.args[2]) return {.value = Errno::kEINVAL};
    const Result<void> attached = transport_.attach(sqe.tag, std::move(*given));
    if (!attached) return {.value = attached.error()};
    return {.value = 0, .opcode = CqeOpcode::kRespondWithMultipleFds};
}

// They can be fetched once, so a request that has waited brings its own.
Result<std::vector<Descriptor>> Dispatcher::descriptors_of(const Sqe& sqe) {
    const auto kept =
        std::find_if(sent_.begin(), sent_.end(), [&](const Sent& sent) { return sent.tag == sqe.tag; });
    if (kept == sent_.end()) return transport_.obtain(sqe.tag, sqe.args[3]);
    std::vector<Descriptor> descriptors = std::move(kept->descriptors);
    sent_.erase(kept);
    return descriptors;
}

Result<std::uint64_t> Dispatcher::take_descriptors(const Sqe& sqe, const Request& request) {
    std::vector<Descriptor> sent = RT_TRY(descriptors_of(sqe));
    const Result<std::uint64_t> taken = scheme_.sendfd(request, sqe.args[0], sent, sqe.args[2]);
    if (!taken && taken.error() == Errno::kEWOULDBLOCK) sent_.push_back({sqe.tag, std::move(sent)});
    return taken;
}

Dispatcher::Answer Dispatcher::perform(const Sqe& sqe) {
    const Request request = request_of(sqe);
    const auto& args = sqe.args;
    const Id id = args[0];
    const auto about_text = [&](auto operation) -> Result<std::uint64_t> {
        return operation(RT_TRY(text_of(sqe)));
    };
    const auto with_buffer = [&](auto operation) -> Result<std::uint64_t> {
        return operation(RT_TRY(buffer_of(sqe)));
    };
    const auto text_opens = [&](auto operation) -> Answer {
        const Result<std::string_view> text = text_of(sqe);
        if (!text) return {.value = text.error()};
        return opened(sqe, operation(*text));
    };
    switch (static_cast<Opcode>(sqe.opcode)) {
        case Opcode::kOpenAt:
            return text_opens(
                [&](std::string_view path) { return scheme_.openat(request, id, path, args[3] | args[4]); });
        case Opcode::kDup:
            return text_opens([&](std::string_view name) { return scheme_.dup(request, id, name); });
        case Opcode::kUnlinkAt:
            return {about_text(
                [&](std::string_view path) { return done(scheme_.unlinkat(request, id, path, args[3])); })};
        case Opcode::kFlink:
            return {
                about_text([&](std::string_view path) { return done(scheme_.flink(request, id, path)); })};
        case Opcode::kFrename:
            return {
                about_text([&](std::string_view path) { return done(scheme_.frename(request, id, path)); })};
        case Opcode::kRead:
            return {
                with_buffer([&](std::span<std::byte> to) { return scheme_.read(request, id, to, args[3]); })};
        case Opcode::kWrite:
            return {with_buffer(
                [&](std::span<std::byte> from) { return scheme_.write(request, id, from, args[3]); })};
        case Opcode::kFpath:
            return {with_buffer([&](std::span<std::byte> to) -> Result<std::uint64_t> {
                const std::string path = RT_TRY(scheme_.fpath(request, id));
                const std::size_t size = std::min(path.size(), to.size());
                std::memcpy(to.data(), path.data(), size);
                return size;
            })};
        case Opcode::kFstat:
            return {
                with_buffer([&](std::span<std::byte> to) { return put(to, scheme_.fstat(request, id)); })};
        case Opcode::kFstatvfs:
            return {
                with_buffer([&](std::span<std::byte> to) { return put(to, scheme_.fstatvfs(request, id)); })};
        case Opcode::kFutimens:
            return {with_buffer([&](std::span<std::byte> times) { return set_times(request, id, times); })};
        case Opcode::kGetdents:
            return {with_buffer(
                [&](std::span<std::byte> to) { return list(request, id, to, args[3], args[4]); })};
        case Opcode::kCall:
            return {with_buffer([&](std::span<std::byte> payload) {
                const std::array<std::uint64_t, 3> metadata{args[3], args[4], args[5]};
                return scheme_.call(request, id, payload, metadata);
            })};
        case Opcode::kStdFsCall:
            return perform_std_fs(sqe, request);
        case Opcode::kFsize:
            return {scheme_.fsize(request, id)};
        case Opcode::kFsync:
            return {done(scheme_.fsync(request, id))};
        case Opcode::kFtruncate:
            return {done(scheme_.ftruncate(request, id, args[1]))};
        case Opcode::kFchmod:
            return {done(scheme_.fchmod(request, id, static_cast<std::uint16_t>(args[1])))};
        case Opcode::kFchown:
            return {done(scheme_.fchown(request, id, static_cast<std::uint32_t>(args[1]),
                                        static_cast<std::uint32_t>(args[2])))};
        case Opcode::kFcntl:
            return {done(scheme_.fcntl(request, id, args[1], args[2]))};
        case Opcode::kFevent:
            return {scheme_.fevent(request, id, args[1])};
        case Opcode::kMmapPrep:
            return map(sqe, request);
        case Opcode::kMunmap:
            return {done(scheme_.munmap(request, id, args[3], args[1], args[2]))};
        case Opcode::kSendfd:
            return {take_descriptors(sqe, request)};
        case Opcode::kRecvfd:
            return receive_descriptors(sqe, request);
        default:
            return {.value = Errno::kENOSYS};
    }
}

Dispatcher::Answer Dispatcher::perform_std_fs(const Sqe& sqe, const Request& request) {
    using abi::StdFsCallKind;
    const Id id = sqe.args[0];
    const std::uint64_t first = sqe.args[4];
    const std::uint64_t second = sqe.args[5];
    const auto perform_kind = [&]() -> Result<std::uint64_t> {
        const std::span<std::byte> payload = RT_TRY(buffer_of(sqe));
        switch (static_cast<StdFsCallKind>(sqe.args[3])) {
            case StdFsCallKind::kFchmod:
                return done(scheme_.fchmod(request, id, static_cast<std::uint16_t>(first)));
            case StdFsCallKind::kFchown:
                return done(scheme_.fchown(request, id, static_cast<std::uint32_t>(first),
                                           static_cast<std::uint32_t>(second)));
            case StdFsCallKind::kGetdents:
                return list(request, id, payload, second, first);
            case StdFsCallKind::kFstat:
                return put(payload, scheme_.fstat(request, id));
            case StdFsCallKind::kFstatvfs:
                return put(payload, scheme_.fstatvfs(request, id));
            case StdFsCallKind::kFsync:
                return done(scheme_.fsync(request, id));
            case StdFsCallKind::kFtruncate:
                return done(scheme_.ftruncate(request, id, first));
            case StdFsCallKind::kFutimens:
                return set_times(request, id, payload);
            case StdFsCallKind::kLock:
                RT_TRY(scheme_.lock(request, id, record_lock(first, second)));
                if (std::find(locked_.begin(), locked_.end(), id) == locked_.end()) locked_.push_back(id);
                return 0;
            case StdFsCallKind::kUnlock:
                return done(scheme_.unlock(request, id, record_lock(first, second)));
            case StdFsCallKind::kGetLock:
                return find_lock(scheme_, request, id, payload);
            default:
                return Errno::kEOPNOTSUPP;
        }
    };
    Answer reply{.value = perform_kind()};
    if (std::find(locked_.begin(), locked_.end(), id) != locked_.end())
        reply.opcode = CqeOpcode::kRespondAndNotifyOnDetach;
    return reply;
}

}  // namespace halfcell::server
