// Tests a scheme served by another guest: files, buffers of every shape, mappings, events and descriptors.

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "tests/guests/expect.h"
#include "tests/guests/scheme_session.h"
#include "userland/rt/directory.h"
#include "userland/rt/input.h"
#include "userland/rt/process.h"

namespace halfcell::userland {
namespace {

constexpr std::size_t kPage = 4096;

void test_files(const SchemeSession& session) {
    const Result<UniqueFd> file = session.open("greeting");
    expect(static_cast<bool>(file), "create a file");
    if (!file) return;
    expect(static_cast<bool>(write_all(file->fd(), "hello, guest")), "write");
    const auto size = sys_lseek(file->fd(), 0, abi::SeekWhence::kEnd);
    expect(size && *size == 12, "size at the end");
    expect(static_cast<bool>(sys_lseek(file->fd(), 7, abi::SeekWhence::kSet)), "seek");
    std::string text;
    expect(read_rest(file->fd(), text) && text == "guest", "read from the middle");
    const auto stat = sys_fstat(file->fd());
    expect(stat && stat->st_size == 12 && is_regular(*stat) && stat->st_dev != 0, "stat");
    std::array<char, 64> path{};
    const auto length = sys_fpath(file->fd(), path);
    expect(length && std::string_view(path.data(), *length) == "/scheme/ram/greeting", "path");
    expect(static_cast<bool>(sys_ftruncate(file->fd(), 5)), "truncate");
    expect_error(sys_fchmod(file->fd(), 0600), Errno::kENOSYS, "what the server does not know");
    expect_error(sys_frename(file->fd(), "/scheme/ramtest/other"), Errno::kENOSYS, "rename");

    const auto root = open_file("/scheme/ramtest", abi::OpenFlags::kRdonly);
    expect(static_cast<bool>(root), "open the root");
    if (!root) return;
    std::array<std::byte, 512> entries{};
    const auto bytes = sys_getdents(root->fd(), entries, 0);
    const std::string_view listing(reinterpret_cast<const char*>(entries.data()), bytes ? *bytes : 0);
    expect(listing.find("greeting") != std::string_view::npos, "directory entries");
    expect_error(open_file("/scheme/ramtest/nothing", abi::OpenFlags::kRdonly), Errno::kENOENT,
                 "no such file");
    expect(static_cast<bool>(remove_file("/scheme/ramtest/greeting")), "remove");
    expect_error(remove_file("/scheme/ramtest/greeting"), Errno::kENOENT, "remove again");
}

std::byte pattern(std::size_t i, std::size_t seed) {
    return std::byte{static_cast<unsigned char>((i * 7 + i / 251 + seed) & 0xff)};
}

// Buffers that begin and end everywhere around page edges; their neighbours must stay as they are.
void test_buffers(const SchemeSession& session) {
    constexpr std::size_t kRoom = 300 * kPage;
    const Result<std::byte*> room = map_anonymous(kRoom);
    const Result<UniqueFd> file = session.open("buffers");
    if (!room || !file) return expect(false, "room for buffers");
    const auto positions = std::array<std::size_t, 4>{0, 1, kPage - 1, 100};
    const auto sizes = std::array<std::size_t, 10>{1,          64,
                                                   kPage - 1,  kPage,
                                                   kPage + 1,  2 * kPage - 1,
                                                   3 * kPage,  3 * kPage + 17,
                                                   65 * kPage, 256 * kPage + 5};
    for (const std::size_t position : positions) {
        for (const std::size_t size : sizes) {
            const std::span<std::byte> buffer(*room + kPage + position, size);
            for (std::size_t i = 0; i < size; ++i)
                buffer[i] = pattern(i, position);
            bool good = static_cast<bool>(sys_lseek(file->fd(), 0, abi::SeekWhence::kSet));
            const auto written = sys_write(file->fd(), buffer);
            good = good && written && *written == size;
            std::fill_n(*room, size + 3 * kPage, std::byte{0xee});
            good = good && sys_lseek(file->fd(), 0, abi::SeekWhence::kSet);
            const auto read = sys_read(file->fd(), buffer);
            good = good && read && *read == size;
            for (std::size_t i = 0; good && i < size; ++i)
                good = buffer[i] == pattern(i, position);
            for (std::size_t i = 0; good && i < kPage; ++i)
                good = buffer[size + i] == std::byte{0xee} && *(buffer.data() - 1 - i) == std::byte{0xee};
            if (good) continue;
            expect(false, "buffer");
            out().print("  position ", position, " size ", size, '\n');
        }
    }
    // A short read leaves the rest alone, at both ends.
    expect(sys_ftruncate(file->fd(), 3) && sys_lseek(file->fd(), 0, abi::SeekWhence::kSet), "truncate");
    std::fill_n(*room, 4 * kPage, std::byte{0xee});
    const auto read = sys_read(file->fd(), {*room + kPage - 100, 2 * kPage + 200});
    expect(read && *read == 3 && (*room)[kPage - 100] == pattern(0, 100) &&
               (*room)[kPage - 97] == std::byte{0xee} && (*room)[3 * kPage] == std::byte{0xee},
           "short read");
    const auto empty = sys_read(file->fd(), {*room, 0});
    expect(empty && *empty == 0, "empty read");
    (void)unmap(*room, kRoom);
}

Result<std::byte*> map_file(Fd file, std::size_t size, std::uint64_t flags, std::uint64_t offset = 0) {
    abi::Map map{};
    map.offset = offset;
    map.size = size;
    map.flags = flags;
    return reinterpret_cast<std::byte*>(
        RT_TRY(checked_syscall(abi::SYS_FMAP, word(file), word(&map), sizeof(map))));
}

void test_mappings(const SchemeSession& session) {
    using abi::MapFlags;
    const Result<UniqueFd> file = session.open("mapped");
    if (!file) return expect(false, "open a file to map");
    const std::vector<std::byte> filler(3 * kPage, std::byte{'a'});
    expect(static_cast<bool>(sys_write(file->fd(), filler)), "fill");
    const auto shared = map_file(file->fd(), 2 * kPage,
                                 MapFlags::kMapShared | MapFlags::kProtRead | MapFlags::kProtWrite, kPage);
    const auto private_copy = map_file(
        file->fd(), kPage, MapFlags::kMapPrivate | MapFlags::kProtRead | MapFlags::kProtWrite, kPage);
    expect(shared && private_copy, "map");
    if (!shared || !private_copy) return;
    std::memcpy(*shared, "through the mapping", 19);
    (*private_copy)[0] = std::byte{'p'};
    std::string text(19, ' ');
    (void)sys_lseek(file->fd(), kPage, abi::SeekWhence::kSet);
    (void)sys_read(file->fd(), std::as_writable_bytes(std::span(text)));
    expect(text == "through the mapping", "stores to a shared mapping reach the file");
    (void)sys_lseek(file->fd(), kPage, abi::SeekWhence::kSet);
    (void)write_all(file->fd(), "THROUGH");
    expect(std::memcmp(*shared, "THROUGH the", 11) == 0, "writes to the file reach a shared mapping");
    expect((*private_copy)[0] == std::byte{'p'} && (*private_copy)[1] == std::byte{'a'},
           "a private mapping is private");
    // The server sees a buffer in a mapping of its own pages.
    (void)sys_lseek(file->fd(), 0, abi::SeekWhence::kSet);
    const auto read = sys_read(file->fd(), {*shared, kPage});
    expect(read && *read == kPage && **shared == std::byte{'a'}, "read into a mapping of the file");
    expect(unmap(*shared, 2 * kPage) && unmap(*private_copy, kPage), "unmap");
    expect_error(map_file(file->fd(), std::size_t{1} << 40, MapFlags::kMapShared), Errno::kEINVAL,
                 "map too much");
}

void test_calls_and_events(const SchemeSession& session) {
    const Result<UniqueFd> file = session.open("called");
    const auto queue = sys_openat(process().name_space, "/scheme/event", abi::OpenFlags::kRdwr);
    if (!file || !queue) return expect(false, "open for events");
    const UniqueFd events(*queue);
    std::string payload(5000, '.');
    payload.replace(0, 5, "first");
    const auto called = sys_call(file->fd(), std::as_writable_bytes(std::span(payload)), 0, {});
    expect(called && *called == 5000 && payload.ends_with("tsrif"), "call");

    abi::Event event{word(file->fd()), abi::EventFlags::kEventRead | abi::EventFlags::kEventWrite, 99};
    const auto as_bytes = std::as_bytes(std::span(&event, 1));
    expect(static_cast<bool>(sys_write(events.fd(), as_bytes)), "subscribe");
    const auto next = [&] {
        event = {};
        (void)sys_read(events.fd(), std::as_writable_bytes(std::span(&event, 1)));
        return event.data == 99 && event.id == word(file->fd()) ? event.flags : 0;
    };
    expect(next() == abi::EventFlags::kEventWrite, "ready at once");
    const std::uint64_t words[] = {abi::EventFlags::kEventRead};
    std::array<std::byte, 1> one{};
    expect(static_cast<bool>(sys_call(file->fd(), one, 0, words)), "call for an event");
    expect(next() == abi::EventFlags::kEventRead, "an event of the server's");
}

void test_descriptors(const SchemeSession& session) {
    using abi::CallFlags;
    const Result<UniqueFd> file = session.open("descriptors");
    Result<Pipe> pipe = make_pipe();
    if (!file || !pipe) return expect(false, "open for descriptors");
    std::array<std::uint64_t, 2> numbers{word(pipe->reader.fd()), word(pipe->writer.fd())};
    const auto payload = std::as_writable_bytes(std::span(numbers));
    expect_error(sys_call(file->fd(), payload, CallFlags::kFd | CallFlags::kRead, {}), Errno::kEAGAIN,
                 "nothing to receive");
    const auto sent = sys_call(file->fd(), payload, CallFlags::kFd | CallFlags::kWrite, {});
    expect(sent && *sent == 2, "send two");
    expect_error(sys_dup(pipe->reader.fd(), ""), Errno::kEBADF, "what was sent is gone");
    const auto received = sys_call(file->fd(), payload, CallFlags::kFd | CallFlags::kRead, {});
    expect(received && *received == 2, "receive two");
    (void)pipe->reader.release();
    (void)pipe->writer.release();
    const UniqueFd read(Fd{numbers[0]});
    const UniqueFd write(Fd{numbers[1]});
    std::array<std::byte, 4> bytes{};
    expect(sys_write(write.fd(), std::as_bytes(std::span("pipe", 4))) && sys_read(read.fd(), bytes) &&
               bytes[0] == std::byte{'p'},
           "they still are the pipe");
    expect(static_cast<bool>(session.open("elsewhere")), "an open answered with a descriptor");
}

}  // namespace

int main_program(std::span<const std::string_view>) {
    const Result<SchemeSession> session = SchemeSession::start("ramtest");
    if (!session) {
        out().print("FAIL: no server, errno ", static_cast<int>(session.error()), '\n');
        return 1;
    }
    expect_error(SchemeSession::start("ramtest"), Errno::kEEXIST, "the name is taken");
    test_files(*session);
    test_buffers(*session);
    test_mappings(*session);
    test_calls_and_events(*session);
    test_descriptors(*session);
    session->stop();
    expect_error(session->open("anything"), Errno::kENODEV, "open after the server's end");
    return verdict();
}

}  // namespace halfcell::userland
