// server_client SCHEME DIRECTORY: uses one of the kit's examples, at DIRECTORY, whoever serves it and
// however.

#include <array>
#include <cstring>

#include "tests/guests/check.h"
#include "tests/guests/expect.h"
#include "userland/rt/child.h"
#include "userland/rt/directory.h"
#include "userland/rt/file.h"
#include "userland/rt/fork.h"
#include "userland/rt/input.h"
#include "userland/rt/signal.h"

namespace halfcell::userland {
namespace {

using abi::CallFlags;
using abi::MapFlags;
using abi::OpenFlags;

constexpr std::uint64_t kReadWrite = OpenFlags::kRdwr | OpenFlags::kCreat | OpenFlags::kCloexec;
constexpr std::size_t kPage = 4096;

UniqueFd open_in(std::string_view directory, std::string_view name, std::uint64_t flags = kReadWrite) {
    return need(open_file(concat(directory, '/', name), flags), concat("open ", name));
}

std::string read_whole(Fd fd) {
    std::string text(200, ' ');
    (void)sys_lseek(fd, 0, abi::SeekWhence::kSet);
    text.resize(need(sys_read(fd, std::as_writable_bytes(std::span(text))), "read"));
    return text;
}

// What every example has that stores bytes: at offsets, across pages, with an end.
void use_as_file(std::string_view directory, std::uint64_t largest) {
    const UniqueFd file = open_in(directory, "bytes");
    std::string text(3 * kPage + 100, ' ');
    for (std::size_t i = 0; i < text.size(); ++i)
        text[i] = static_cast<char>('a' + i % 23);
    need(write_all(file.fd(), text), "write");
    expect(need(sys_lseek(file.fd(), 0, abi::SeekWhence::kEnd), "size") == text.size(), "the size");
    for (const std::size_t offset : {std::size_t{0}, std::size_t{1}, kPage - 1, kPage, text.size() - 1}) {
        need(sys_lseek(file.fd(), static_cast<std::int64_t>(offset), abi::SeekWhence::kSet), "seek");
        std::string got(text.size(), '.');
        const std::size_t count = need(sys_read(file.fd(), std::as_writable_bytes(std::span(got))), "read");
        expect(count == text.size() - offset && got.substr(0, count) == text.substr(offset), "bytes");
        expect(got.substr(count) == std::string(offset, '.'), "what was not read is left alone");
    }
    expect(need(sys_fstat(file.fd()), "stat").st_size == text.size(), "the size in a stat");
    need(sys_ftruncate(file.fd(), 5), "truncate");
    expect(read_whole(file.fd()) == "abcde", "a short end");
    need(sys_lseek(file.fd(), static_cast<std::int64_t>(largest), abi::SeekWhence::kSet), "seek far");
    expect(largest == 0 || !sys_write(file.fd(), std::as_bytes(std::span("x", 1))), "a write too far");
    // The bytes of a mebibyte, whose pages are shown or copied by the way.
    constexpr std::size_t kBig = std::size_t{1} << 20;
    std::byte* const big = need(map_anonymous(2 * kBig), "memory");
    for (std::size_t i = 0; i < kBig; ++i)
        big[i] = static_cast<std::byte>(i * 7 + i / 999);
    need(sys_lseek(file.fd(), 0, abi::SeekWhence::kSet), "seek");
    need(write_all(file.fd(), {reinterpret_cast<const char*>(big), kBig}), "write much");
    need(sys_lseek(file.fd(), 0, abi::SeekWhence::kSet), "seek");
    expect(need(read_full(file.fd(), {big + kBig, kBig}), "read much") == kBig &&
               std::memcmp(big, big + kBig, kBig) == 0,
           "a mebibyte comes back");
}

// What the kit answers for operations the examples do not have.
void expect_defaults(std::string_view directory) {
    const UniqueFd file = open_in(directory, "defaults");
    expect_error(sys_fchmod(file.fd(), 0600), Errno::kEOPNOTSUPP, "fchmod");
    expect_error(sys_fchown(file.fd(), 0, 0), Errno::kEOPNOTSUPP, "fchown");
    expect_error(sys_fstatvfs(file.fd()), Errno::kEOPNOTSUPP, "fstatvfs");
    expect_error(sys_dup(file.fd(), "view"), Errno::kEOPNOTSUPP, "dup");
    const std::array<abi::TimeSpec, 2> times{};
    expect_error(sys_futimens(file.fd(), times), Errno::kEBADF, "futimens");
    expect(static_cast<bool>(sys_fsync(file.fd())), "fsync");
    std::array<char, 100> path{};
    expect_error(sys_fpath(file.fd(), path), Errno::kEOPNOTSUPP, "fpath");
    std::array<std::byte, 100> entries{};
    expect_error(sys_getdents(file.fd(), entries, 0), Errno::kENOTDIR, "getdents");
    abi::Stat stat{};
    expect_error(checked_syscall(abi::SYS_FSTAT, word(file.fd()), word(&stat), std::uint64_t{64}),
                 Errno::kEINVAL, "a stat that is too small");
    // The form that a libc uses.
    const std::array<std::uint64_t, 3> words{static_cast<std::uint64_t>(abi::StdFsCallKind::kFstat), 0, 0};
    expect(static_cast<bool>(
               sys_call(file.fd(), std::as_writable_bytes(std::span(&stat, 1)), CallFlags::kStdFs, words)),
           "a stat as a libc asks");
    expect((stat.st_mode & abi::Mode::kType) == abi::Mode::kFile, "and its type");
}

Result<std::uint32_t> start_child(int (*body)(std::string_view), std::string_view directory) {
    const std::uint32_t child = RT_TRY(fork_process());
    if (child == 0) exit_now(body(directory));
    return child;
}

int status_of(std::uint32_t child) {
    return exit_status_of(need(wait_for_child(child, 0), "wait").status);
}

int await_key(std::string_view directory) {
    return open_file(concat(directory, "/await/late"), OpenFlags::kRdonly) ? 7 : 8;
}

int await_and_be_told(std::string_view directory) {
    const auto opened = open_file(concat(directory, "/await/never"), OpenFlags::kRdonly);
    return opened ? 1 : static_cast<int>(opened.error());
}

// Sends a signal until its receiver ends: it may not have begun to wait.
int interrupt(std::uint32_t child) {
    for (;;) {
        need(send_signal(child, abi::Signal::kUsr1), "signal");
        const ChildNews news = need(wait_for_child(child, abi::WaitFlags::kNohang), "look");
        if (news.pid != 0) return exit_status_of(news.status);
        sys_yield();
    }
}

void use_key_value(std::string_view directory) {
    use_as_file(directory, std::uint64_t{16} << 20);
    expect_defaults(directory);
    expect_error(open_file(concat(directory, "/missing"), OpenFlags::kRdonly), Errno::kENOENT, "missing");

    const UniqueFd key = open_in(directory, "key");
    need(write_all(key.fd(), "value"), "write");
    const UniqueFd appended = open_in(directory, "key", kReadWrite | OpenFlags::kAppend);
    need(write_all(appended.fd(), "s"), "append");
    expect(read_whole(key.fd()) == "values", "two handles of a key");
    std::array<std::byte, 1> payload{};
    const std::uint64_t before = need(sys_call(key.fd(), payload, 0, {}), "call");
    need(remove_file(concat(directory, "/key")), "remove");
    expect(need(sys_call(appended.fd(), payload, 0, {}), "call") == before - 1, "one key fewer");
    expect_error(sys_read(key.fd(), payload), Errno::kENOENT, "a key that was removed");

    // Opens that wait: until there is what they wait for, not at all, until a signal comes.
    const std::uint32_t waiting = need(start_child(await_key, directory), "child");
    expect_error(open_file(concat(directory, "/await/late"), OpenFlags::kRdonly | OpenFlags::kNonblock),
                 Errno::kEAGAIN, "an open that may not wait");
    (void)open_in(directory, "late");
    expect(status_of(waiting) == 7, "an open that has waited");
    // In the child too, and before a signal can come.
    handle_signal(abi::Signal::kUsr1, [](std::uint32_t) {});
    const std::uint32_t told = need(start_child(await_and_be_told, directory), "child");
    expect(interrupt(told) == static_cast<int>(Errno::kEINTR), "an open that was interrupted");

    // Events: what is true at once, and each change.
    const UniqueFd events(
        need(sys_openat(process().name_space, "/scheme/event", OpenFlags::kRdwr), "an event queue"));
    const UniqueFd watched = open_in(directory, "watched");
    abi::Event event{word(watched.fd()), abi::EventFlags::kEventRead | abi::EventFlags::kEventWrite, 42};
    need(sys_write(events.fd(), std::as_bytes(std::span(&event, 1))), "subscribe");
    const auto next = [&] {
        event = {};
        need(sys_read(events.fd(), std::as_writable_bytes(std::span(&event, 1))), "an event");
        return event.data == 42 ? event.flags : 0;
    };
    expect(next() == abi::EventFlags::kEventWrite, "ready at once");
    const UniqueFd other = open_in(directory, "watched");
    need(write_all(other.fd(), "news"), "write");
    expect(next() == abi::EventFlags::kEventRead, "an event of a change");
}

void use_proxy(std::string_view directory) {
    use_as_file(directory, 0);
    expect_error(open_file(concat(directory, "/missing"), OpenFlags::kRdonly), Errno::kENOENT, "missing");
    const UniqueFd root = open_in(directory, "", OpenFlags::kRdonly | OpenFlags::kDirectory);
    expect_error(sys_openat(root.fd(), "../../etc/passwd", OpenFlags::kRdonly), Errno::kEACCES, "no way out");
    (void)open_in(directory, "listed");
    bool listed = false;
    for (const DirectoryEntry& entry : need(read_directory(directory), "list"))
        listed = listed || (entry.name == "listed" && entry.kind == EntryKind::kRegular);
    expect(listed, "a file in the list");
    need(remove_file(concat(directory, "/listed")), "remove");
    expect_error(open_file(concat(directory, "/listed"), OpenFlags::kRdonly), Errno::kENOENT, "removed");
}

std::byte* map(Fd file, std::size_t size, std::uint64_t flags, std::uint64_t offset = 0) {
    abi::Map request{};
    request.offset = offset;
    request.size = size;
    request.flags = flags;
    return need(sys_fmap(file, request), "map");
}

// Stores in a mapping of its own, where the parent waits for it.
int store_in_mapping(std::string_view directory) {
    const UniqueFd file = open_in(directory, "both");
    std::byte* const bytes =
        map(file.fd(), kPage, MapFlags::kMapShared | MapFlags::kProtRead | MapFlags::kProtWrite);
    std::memcpy(bytes + 100, "from the child", 14);
    return 0;
}

void use_shared_pages(std::string_view directory) {
    constexpr std::uint64_t kShared = MapFlags::kMapShared | MapFlags::kProtRead | MapFlags::kProtWrite;
    use_as_file(directory, std::uint64_t{4} << 20);
    expect_defaults(directory);

    const UniqueFd file = open_in(directory, "both");
    need(write_all(file.fd(), std::string(2 * kPage, '.')), "fill");
    std::byte* const shared = map(file.fd(), 2 * kPage, kShared);
    std::byte* const second = map(file.fd(), kPage, kShared, kPage);
    expect(need(sys_fstat(file.fd()), "stat").st_blocks == 2, "the server knows of two mappings");
    std::memcpy(shared + kPage, "stored", 6);
    expect(std::memcmp(second, "stored", 6) == 0, "two mappings of a page");
    std::array<char, 6> text{};
    need(sys_lseek(file.fd(), kPage, abi::SeekWhence::kSet), "seek");
    need(sys_read(file.fd(), std::as_writable_bytes(std::span(text))), "read");
    expect(std::string_view(text.data(), 6) == "stored", "a store reaches the file");
    need(sys_lseek(file.fd(), 10, abi::SeekWhence::kSet), "seek");
    need(write_all(file.fd(), "written"), "write");
    expect(std::memcmp(shared + 10, "written", 7) == 0, "a write reaches a mapping");

    std::byte* const own =
        map(file.fd(), kPage, MapFlags::kMapPrivate | MapFlags::kProtRead | MapFlags::kProtWrite);
    own[10] = std::byte{'W'};
    expect(shared[10] == std::byte{'w'}, "a private mapping is private");
    expect(status_of(need(start_child(store_in_mapping, directory), "child")) == 0, "the child");
    expect(std::memcmp(shared + 100, "from the child", 14) == 0, "a mapping that two programs share");
    need(sys_ftruncate(file.fd(), 100), "truncate");
    expect(shared[100] == std::byte{0} && shared[99] == std::byte{'.'}, "what was cut off is zero");
    need(unmap(shared, 2 * kPage), "unmap");
    need(unmap(second, kPage), "unmap");
    need(unmap(own, kPage), "unmap");
    expect(need(sys_fstat(file.fd()), "stat").st_blocks == 0, "the server knows of no mapping");

    const UniqueFd reader = open_in(directory, "both", OpenFlags::kRdonly);
    abi::Map request{0, kPage, kShared, 0};
    expect_error(sys_fmap(reader.fd(), request), Errno::kEACCES, "who may only read");
    request = {std::uint64_t{4} << 20, kPage, kShared, 0};
    expect_error(sys_fmap(file.fd(), request), Errno::kEINVAL, "behind the end");

    // Descriptors wait at a name for whoever asks.
    Pipe pipe = need(make_pipe(), "pipe");
    std::array<std::uint64_t, 2> numbers{word(pipe.reader.fd()), word(pipe.writer.fd())};
    const auto fds = std::as_writable_bytes(std::span(numbers));
    expect_error(sys_call(file.fd(), fds, CallFlags::kFd | CallFlags::kRead, {}), Errno::kEAGAIN,
                 "nothing to receive");
    expect(need(sys_call(file.fd(), fds, CallFlags::kFd | CallFlags::kWrite, {}), "send") == 2, "send two");
    expect(need(sys_call(reader.fd(), fds, CallFlags::kFd | CallFlags::kRead, {}), "receive") == 2,
           "receive");
    (void)pipe.reader.release();
    (void)pipe.writer.release();
    const UniqueFd from(Fd{numbers[0]});
    const UniqueFd to(Fd{numbers[1]});
    need(write_all(to.fd(), "pipe"), "write to the pipe");
    expect(need(sys_read(from.fd(), std::as_writable_bytes(std::span(text))), "read the pipe") == 4,
           "they still are the pipe");
}

int read_what_is_fed(std::string_view directory) {
    const UniqueFd reader = open_in(directory, "reader", OpenFlags::kRdonly);
    std::array<char, 8> text{};
    const auto got = sys_read(reader.fd(), std::as_writable_bytes(std::span(text)));
    return got && std::string_view(text.data(), *got) == "late" ? 7 : 8;
}

// A file of the host that a server of the host has given away: a regular one.
void use_regular_file_of_host(std::string_view directory) {
    const UniqueFd file = open_in(directory, "file");
    expect(read_whole(file.fd()) == "from the host", "what the host has written");
    need(sys_lseek(file.fd(), 0, abi::SeekWhence::kSet), "seek");
    need(write_all(file.fd(), "From"), "write");
    expect(need(sys_lseek(file.fd(), 0, abi::SeekWhence::kEnd), "size") == 13, "the size");
    expect((need(sys_fstat(file.fd()), "stat").st_mode & abi::Mode::kType) == abi::Mode::kFile, "the type");
    need(sys_ftruncate(file.fd(), 2 * kPage), "truncate");
    std::byte* const shared =
        map(file.fd(), 2 * kPage, MapFlags::kMapShared | MapFlags::kProtRead | MapFlags::kProtWrite);
    expect(std::memcmp(shared, "From the host", 13) == 0, "a mapping shows the file");
    std::memcpy(shared + kPage, "stored", 6);
    std::array<char, 6> text{};
    need(sys_lseek(file.fd(), kPage, abi::SeekWhence::kSet), "seek");
    need(sys_read(file.fd(), std::as_writable_bytes(std::span(text))), "read");
    expect(std::string_view(text.data(), 6) == "stored", "a store reaches the file");
    std::byte* const own =
        map(file.fd(), kPage, MapFlags::kMapPrivate | MapFlags::kProtRead | MapFlags::kProtWrite);
    own[0] = std::byte{'f'};
    expect(shared[0] == std::byte{'F'}, "a private mapping is private");
    const UniqueFd reader = open_in(directory, "file", OpenFlags::kRdonly);
    abi::Map request{0, kPage, MapFlags::kMapShared | MapFlags::kProtRead | MapFlags::kProtWrite, 0};
    expect_error(sys_fmap(reader.fd(), request), Errno::kEACCES, "who may only read");
    expect_error(sys_write(reader.fd(), std::as_bytes(std::span("x", 1))), Errno::kEBADF, "nor write");
    expect_error(open_file(concat(directory, "/missing"), OpenFlags::kRdonly), Errno::kENOENT, "missing");
}

// And pipes, where reads wait and events tell.
void use_files_of_host(std::string_view directory) {
    use_regular_file_of_host(directory);
    const UniqueFd reader = open_in(directory, "reader", OpenFlags::kRdonly);
    const UniqueFd feed = open_in(directory, "feed");
    const UniqueFd writer = open_in(directory, "writer");
    const UniqueFd drain = open_in(directory, "drain");
    std::array<char, 8> text{};
    const auto bytes = std::as_writable_bytes(std::span(text));

    const UniqueFd events(
        need(sys_openat(process().name_space, "/scheme/event", OpenFlags::kRdwr), "an event queue"));
    abi::Event event{word(reader.fd()), abi::EventFlags::kEventRead, 42};
    need(sys_write(events.fd(), std::as_bytes(std::span(&event, 1))), "subscribe");
    need(write_all(feed.fd(), "fed"), "feed");
    event = {};
    need(sys_read(events.fd(), std::as_writable_bytes(std::span(&event, 1))), "an event");
    expect(event.data == 42 && event.flags == abi::EventFlags::kEventRead, "something to read");
    expect(need(sys_read(reader.fd(), bytes), "read") == 3 && std::string_view(text.data(), 3) == "fed",
           "it");

    need(write_all(writer.fd(), "drained"), "write");
    expect(need(sys_read(drain.fd(), bytes), "drain") == 7 && std::string_view(text.data(), 7) == "drained",
           "what a guest writes reaches the server");
    expect_error(sys_write(reader.fd(), std::as_bytes(std::span("x", 1))), Errno::kEBADF,
                 "an end to read from");
    abi::Map request{0, kPage, MapFlags::kMapShared | MapFlags::kProtRead, 0};
    expect_error(sys_fmap(reader.fd(), request), Errno::kENODEV, "a pipe cannot be mapped");

    const std::uint32_t child = need(start_child(read_what_is_fed, directory), "child");
    need(write_all(feed.fd(), "late"), "feed");
    expect(status_of(child) == 7, "a read that has waited");
}

// Leaves a descriptor with shared_pages, where another run of halfcell must not get it.
void leave_descriptor(std::string_view directory) {
    const UniqueFd file = open_in(directory, "box");
    Pipe pipe = need(make_pipe(), "pipe");
    std::array<std::uint64_t, 1> number{word(pipe.reader.release())};
    const auto fds = std::as_writable_bytes(std::span(number));
    expect(need(sys_call(file.fd(), fds, CallFlags::kFd | CallFlags::kWrite, {}), "send") == 1, "send one");
}

void get_none_of_another_run(std::string_view directory) {
    const UniqueFd file = open_in(directory, "box");
    std::array<std::uint64_t, 1> number{};
    const auto fds = std::as_writable_bytes(std::span(number));
    expect_error(sys_call(file.fd(), fds, CallFlags::kFd | CallFlags::kRead, {}), Errno::kEXDEV,
                 "a descriptor of another run");
}

// Looks at the last byte of two pages of a file.
void look_at_mapping(std::string_view path) {
    const UniqueFd file = need(open_file(path, OpenFlags::kRdwr), "open");
    const std::byte* const bytes = map(file.fd(), 2 * kPage, MapFlags::kMapShared | MapFlags::kProtRead);
    expect(*const_cast<const volatile std::byte*>(bytes + 2 * kPage - 1) == std::byte{0}, "a zero");
}

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    check(arguments.size() == 2, "two arguments");
    if (arguments[0] == "key_value") use_key_value(arguments[1]);
    if (arguments[0] == "proxy") use_proxy(arguments[1]);
    if (arguments[0] == "shared_pages") use_shared_pages(arguments[1]);
    if (arguments[0] == "hostfd") use_files_of_host(arguments[1]);
    if (arguments[0] == "leave") leave_descriptor(arguments[1]);
    if (arguments[0] == "get_none") get_none_of_another_run(arguments[1]);
    if (arguments[0] == "map") look_at_mapping(arguments[1]);
    return verdict();
}

}  // namespace halfcell::userland
