// The client of the server in src/: starts it, uses its files, and ends it. Its argument is the server's
// path.

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "tests/guests/expect.h"
#include "userland/rt/child.h"
#include "userland/rt/exec.h"
#include "userland/rt/file.h"
#include "userland/rt/fork.h"
#include "userland/rt/input.h"
#include "userland/rt/process.h"
#include "userland/rt/signal.h"

namespace halfcell::userland {
namespace {

constexpr std::uint64_t kMonotonic = 4;
constexpr std::int64_t kMostSeconds = 20;

// The scheme is there as soon as its root can be opened.
bool await_scheme() {
    const auto begin = sys_clock_gettime(kMonotonic);
    for (;;) {
        const auto root = open_file("/scheme/rust", abi::OpenFlags::kRdonly);
        if (root) return true;
        const auto now = sys_clock_gettime(kMonotonic);
        if (root.error() != Errno::kENODEV || !begin || !now || now->tv_sec - begin->tv_sec > kMostSeconds)
            return false;
        sys_yield();
    }
}

Result<UniqueFd> open_in_scheme(std::string_view name, std::uint64_t flags) {
    return open_file("/scheme/rust/" + std::string(name), flags | abi::OpenFlags::kRdwr);
}

void use_files() {
    expect_error(open_in_scheme("greeting", 0), Errno::kENOENT, "no such file");
    const auto file = open_in_scheme("greeting", abi::OpenFlags::kCreat);
    expect(static_cast<bool>(file), "create");
    if (!file) return;
    std::vector<std::byte> bytes(100'003);
    for (std::size_t i = 0; i < bytes.size(); ++i)
        bytes[i] = std::byte{static_cast<unsigned char>(i * 31 >> 3)};
    const auto written = sys_write(file->fd(), bytes);
    expect(written && *written == bytes.size(), "write over many pages");
    const auto end = sys_lseek(file->fd(), 0, abi::SeekWhence::kEnd);
    expect(end && *end == bytes.size(), "size");
    (void)sys_lseek(file->fd(), 0, abi::SeekWhence::kSet);
    std::vector<std::byte> read(bytes.size() + 10, std::byte{0xee});
    const auto count = sys_read(file->fd(), std::span(read).subspan(5));
    expect(count && *count == bytes.size(), "read over many pages");
    expect(std::equal(bytes.begin(), bytes.end(), read.begin() + 5), "the same bytes");
    expect(read[4] == std::byte{0xee} && read[5 + bytes.size()] == std::byte{0xee}, "and no others");
    const auto stat = sys_fstat(file->fd());
    expect(stat && stat->st_size == bytes.size() && is_regular(*stat), "stat");
    expect_error(sys_ftruncate(file->fd(), 0), Errno::kEBADF, "what the crate answers by itself");
    std::string payload = "backwards";
    const auto closed = sys_call(file->fd(), std::as_writable_bytes(std::span(payload)), 0, {});
    expect(closed && payload == "sdrawkcab", "call");
    (void)open_in_scheme("greeting", 0);
    const auto closed_later = sys_call(file->fd(), std::as_writable_bytes(std::span(payload)), 0, {});
    expect(closed && closed_later && *closed_later == *closed + 1, "the server hears of closes");
}

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    if (arguments.empty()) return 2;
    const Result<std::uint32_t> server = fork_process();
    if (server && *server == 0) {
        const std::array<std::string, 1> words{std::string(arguments.front())};
        (void)exec_program(arguments.front(), words, {});
        exit_now(126);
    }
    expect(static_cast<bool>(server), "start the server");
    expect(await_scheme(), "the scheme is registered");
    if (failures == 0) use_files();
    constexpr std::uint32_t kSigkill = 9;
    if (server) expect(static_cast<bool>(send_signal(*server, kSigkill)), "end the server");
    if (server) expect(static_cast<bool>(wait_for_child(*server, 0)), "wait for its end");
    expect_error(open_in_scheme("greeting", 0), Errno::kENODEV, "open after its end");
    return verdict();
}

}  // namespace halfcell::userland
