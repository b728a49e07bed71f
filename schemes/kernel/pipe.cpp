#include "schemes/kernel/pipe.h"

#include <array>

#include "schemes/common/wire.h"

namespace halfcell::schemes {

using scheme::Caller;
using scheme::OpenedHandle;
using scheme::OpenResult;

namespace {

constexpr std::uint64_t kWriteBit = 1;

PipeEnd end_of(HandleNumber number) {
    return (number.value() & kWriteBit) != 0 ? PipeEnd::kWrite : PipeEnd::kRead;
}
HandleNumber number_of(HandleNumber either, PipeEnd end) {
    const std::uint64_t read_end = either.value() & ~kWriteBit;
    return HandleNumber{end == PipeEnd::kWrite ? read_end | kWriteBit : read_end};
}

bool nonblocking(scheme::TransferFlags flags) {
    return (flags.call & abi::OpenFlags::kNonblock) != 0;
}

}  // namespace

Result<OpenedHandle> PipeScheme::root() {
    const HandleNumber number{next_.fetch_add(2)};
    pipes_.with([&](auto& pipes) { pipes.emplace(number, nullptr); });
    return OpenedHandle{.number = number};
}

Result<PipeScheme::PipeRef> PipeScheme::find(HandleNumber number) const {
    return pipes_.with([&](const auto& pipes) -> Result<PipeRef> {
        const auto it = pipes.find(number_of(number, PipeEnd::kRead));
        if (it == pipes.end() || it->second == nullptr) return fail(Errno::kEBADF);
        return it->second;
    });
}

Result<OpenResult> PipeScheme::open_writer(HandleNumber number, PipeBuffer& pipe) {
    if (!pipe.claim_writer()) return fail(Errno::kEBADF);
    return OpenedHandle{.number = number_of(number, PipeEnd::kWrite)};
}

Result<OpenResult> PipeScheme::openat(const Caller&, HandleNumber base, std::string_view path, std::uint64_t,
                                      std::uint32_t) {
    const PipeRef pipe = TRY(pipes_.with([&](const auto& pipes) -> Result<PipeRef> {
        const auto it = pipes.find(number_of(base, PipeEnd::kRead));
        if (it == pipes.end()) return fail(Errno::kEBADF);
        return it->second;
    }));
    if (pipe != nullptr) {
        // Upstream's test is inverted: every name but this one opens the write end.
        if (path == "write") return fail(Errno::kEINVAL);
        return open_writer(base, *pipe);
    }
    if (!without_leading_slashes(path).empty()) return fail(Errno::kENOENT);
    const HandleNumber number{next_.fetch_add(2)};
    const auto made = std::make_shared<PipeBuffer>(queues_, wait::Wakers{id(), number},
                                                   wait::Wakers{id(), number_of(number, PipeEnd::kWrite)});
    pipes_.with([&](auto& pipes) { pipes.emplace(number, made); });
    return OpenedHandle{.number = number};
}

Result<OpenResult> PipeScheme::dup(const Caller&, HandleNumber number, const mem::UserIn& name) {
    if (end_of(number) == PipeEnd::kWrite) return fail(Errno::kEBADF);
    constexpr std::string_view kName = "write";
    std::array<char, kName.size()> begin{};
    const std::uint64_t size = std::min<std::uint64_t>(begin.size(), name.size());
    TRY(name.read(0, std::as_writable_bytes(std::span(begin)).first(size)));
    if (std::string_view(begin.data(), size) != kName) return fail(Errno::kEINVAL);
    const PipeRef pipe = TRY(find(number));
    return open_writer(number, *pipe);
}

void PipeScheme::report(HandleNumber number, PipeEnd end, const PipeBuffer& pipe) {
    if (!pipe.watched(end)) return;
    trigger(number_of(number, end),
            end == PipeEnd::kRead ? abi::EventFlags::kEventRead : abi::EventFlags::kEventWrite);
}

Result<std::uint64_t> PipeScheme::read(const Caller& caller, HandleNumber number, const mem::UserOut& to,
                                       scheme::TransferFlags flags) {
    if (end_of(number) != PipeEnd::kRead) return fail(Errno::kEBADF);
    const PipeRef pipe = TRY(find(number));
    const std::uint64_t count = TRY(pipe->read(to, nonblocking(flags), caller.waiter));
    if (count > 0) report(number, PipeEnd::kWrite, *pipe);
    return count;
}

Result<std::uint64_t> PipeScheme::write(const Caller& caller, HandleNumber number, const mem::UserIn& from,
                                        scheme::TransferFlags flags) {
    if (end_of(number) != PipeEnd::kWrite) return fail(Errno::kEBADF);
    const PipeRef pipe = TRY(find(number));
    const std::uint64_t count = TRY(pipe->write(from, nonblocking(flags), caller.waiter));
    if (count > 0) report(number, PipeEnd::kRead, *pipe);
    return count;
}

Result<std::uint64_t> PipeScheme::fd_write(const Caller& caller, HandleNumber number,
                                           std::vector<scheme::DescriptionRef>&& descriptions, std::uint64_t,
                                           std::uint64_t, std::span<const std::uint64_t>) {
    // Upstream's sender has given them away whatever comes of it.
    std::vector<scheme::DescriptionRef> sent = std::exchange(descriptions, {});
    if (end_of(number) != PipeEnd::kWrite) return fail(Errno::kEBADF);
    const PipeRef pipe = TRY(find(number));
    const std::uint64_t count = TRY(pipe->send(std::move(sent), caller.waiter));
    if (count > 0) report(number, PipeEnd::kRead, *pipe);
    return count;
}

Result<std::vector<scheme::DescriptionRef>> PipeScheme::fd_read(const Caller& caller, HandleNumber number,
                                                                std::uint64_t room, std::uint64_t,
                                                                std::span<const std::uint64_t>) {
    if (end_of(number) != PipeEnd::kRead) return fail(Errno::kEBADF);
    const PipeRef pipe = TRY(find(number));
    auto descriptions = TRY(pipe->receive(room / sizeof(std::uint64_t), caller.waiter));
    if (!descriptions.empty()) report(number, PipeEnd::kWrite, *pipe);
    return descriptions;
}

void PipeScheme::fd_unread(HandleNumber number, std::vector<scheme::DescriptionRef> descriptions,
                           std::span<const std::uint64_t>) {
    // A pipe that went meanwhile drops them.
    if (const auto pipe = find(number)) (*pipe)->give_back(std::move(descriptions));
}

Result<std::uint64_t> PipeScheme::fevent(const Caller&, HandleNumber number, std::uint64_t flags) {
    const PipeRef pipe = TRY(find(number));
    const PipeEnd end = end_of(number);
    pipe->watch(end);
    // Upstream compares the queue with its capacity so that the write end is always ready.
    if (end == PipeEnd::kWrite) return flags & abi::EventFlags::kEventWrite;
    return pipe->readable() ? flags & abi::EventFlags::kEventRead : 0;
}

Result<std::uint64_t> PipeScheme::fpath(const Caller&, HandleNumber, const mem::UserOut& to) {
    return to.write_common("/scheme/pipe/");
}

Result<void> PipeScheme::fstat(const Caller&, HandleNumber, const mem::UserOut& to) {
    return reply_stat(to, abi::Mode::kFifo | 0666);
}

void PipeScheme::unregistered() {
    // A pipe may hold its own ends, or two pipes each other's.
    std::unordered_map<HandleNumber, PipeRef> all;
    pipes_.with([&](auto& pipes) { all.swap(pipes); });
    for (const auto& [number, pipe] : all)
        if (pipe != nullptr) scheme::close_in_turn(pipe->take_descriptions());
}

Result<void> PipeScheme::close(HandleNumber number) {
    const PipeRef pipe = TRY(find(number));
    const PipeEnd end = end_of(number);
    const bool unreachable = pipe->close(end);
    report(number, end == PipeEnd::kRead ? PipeEnd::kWrite : PipeEnd::kRead, *pipe);
    if (unreachable) {
        pipes_.with([&](auto& pipes) { pipes.erase(number_of(number, PipeEnd::kRead)); });
        scheme::close_in_turn(pipe->take_descriptions());
    }
    return {};
}

std::uint64_t PipeScheme::count() const {
    return pipes_.with([](const auto& pipes) { return pipes.size(); });
}

}  // namespace halfcell::schemes
