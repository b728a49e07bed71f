#include "tests/integration/guest/client.h"

#include <array>

#include "tests/integration/server/box_call.h"
#include "userland/rt/child.h"
#include "userland/rt/file.h"
#include "userland/rt/output.h"

namespace halfcell::userland {

namespace {

using abi::CallFlags;
using abi::MapFlags;
using abi::OpenFlags;

constexpr std::size_t kMuch = std::size_t{2} << 20;  // too much for the windows of a server
constexpr std::size_t kShown = std::size_t{64} << 10;

enum Unexpected : std::uint32_t { kNothing = 0, kShort = 1, kLost = 2, kMemory = 3, kPages = 4 };

Result<void> read_from(Fd box, std::span<std::byte> buffer, Client& client) {
    const std::size_t got = RT_TRY(sys_read(box, buffer));
    // A server of the host moves a part of what is asked.
    if (got == 0 || buffer[0] != std::byte{'x'} || buffer[got - 1] != std::byte{'x'})
        client.unexpected = kShort;
    return {};
}

// Afterwards it is here, or was taken by a server that is gone: closed, then, and never both.
Result<void> send_and_take(Fd box, Client& client) {
    const Pipe pipe = RT_TRY(make_pipe());
    std::uint64_t number = word(RT_TRY(sys_dup(pipe.writer.fd(), "")));
    const auto payload = std::as_writable_bytes(std::span(&number, 1));
    const auto sent = sys_call(box, payload, CallFlags::kFd | CallFlags::kWrite, {});
    if (!sent) {
        (void)sys_close(Fd{number});
        return sent.error();
    }
    RT_TRY(sys_call(box, payload, CallFlags::kFd | CallFlags::kRead, {}));
    if (!sys_write(Fd{number}, std::as_bytes(std::span("x", 1)))) client.unexpected = kLost;
    (void)sys_close(Fd{number});
    return {};
}

Result<void> map_and_store(Fd box, Client& client) {
    abi::Map map{};
    map.size = kShown;
    map.flags = MapFlags::kMapShared | MapFlags::kProtRead | MapFlags::kProtWrite;
    std::byte* const bytes = RT_TRY(sys_fmap(box, map));
    // Whether the server lives or not.
    for (std::size_t at = 0; at < kShown; at += 4096)
        *const_cast<volatile std::byte*>(bytes + at) = std::byte{1};
    if (!unmap(bytes, kShown)) client.unexpected = kPages;
    return {};
}

Result<void> ask(Fd box) {
    const std::array<std::uint64_t, 3> words{static_cast<std::uint64_t>(server::BoxCall::kCount)};
    std::array<std::byte, 100> payload{};
    RT_TRY(sys_call(box, payload, 0, words));
    RT_TRY(sys_fcntl(box, abi::FcntlCommand::kSetfl, OpenFlags::kRdwr));
    RT_TRY(sys_fsync(box));
    return {};
}

// Once what a client of a kind does; `box` is its own.
Result<void> act(std::uint32_t kind, std::string_view path, Fd box, std::span<std::byte> much,
                 Client& client) {
    switch (kind) {
        case 0:
            return read_from(box, much.first(64), client);
        case 1:
            return read_from(box, much, client);
        case 2: {
            RT_TRY(sys_write(box, much.first(client.calls % 2 == 0 ? 64 : 100'000)));
            return {};
        }
        case 3: {
            client.ready.store(true);
            RT_TRY(open_file(concat(path, "/never"), OpenFlags::kRdwr));
            return {};
        }
        case 4:
            return send_and_take(box, client);
        case 5:
            return map_and_store(box, client);
        case 6:
            return ask(box);
        default: {
            RT_TRY(open_file(concat(path, "/x"), OpenFlags::kRdwr));
            return {};
        }
    }
}

}  // namespace

std::uint64_t real_nanoseconds() {
    constexpr std::uint64_t kSecond = 1'000'000'000;
    const Result<abi::TimeSpec> now = sys_clock_gettime(abi::Clock::kRealtime);
    if (!now) return 0;
    return static_cast<std::uint64_t>(now->tv_sec) * kSecond + static_cast<std::uint64_t>(now->tv_nsec);
}

void be_client(std::uint32_t kind, std::string_view path, const std::atomic<bool>& over, Client& client) {
    const auto memory = map_anonymous(kMuch);
    if (!memory) {
        client.unexpected = kMemory;
        client.ready.store(true);
        client.done.store(true);
        return;
    }
    const std::span<std::byte> much(*memory, kMuch);
    Result<void> acted;
    {
        const auto box = open_file(concat(path, "/x"), OpenFlags::kRdwr);
        if (!box) acted = box.error();
        while (acted && !over.load()) {
            acted = act(kind, path, box->fd(), much, client);
            ++client.calls;
            client.ready.store(true);
        }
        if (!acted) {
            client.ended = real_nanoseconds();
            client.error = static_cast<std::uint32_t>(acted.error());
            // Nobody is there any more: every call says so at once.
            for (int i = 0; box && i < 10; ++i) {
                const std::uint64_t before = real_nanoseconds();
                std::byte byte{};
                (void)sys_read(box->fd(), {&byte, 1});
                client.longest = std::max(client.longest, real_nanoseconds() - before);
            }
        }
    }
    (void)unmap(*memory, kMuch);
    client.ready.store(true);
    client.done.store(true);
}

}  // namespace halfcell::userland
