#include "tests/integration/guest/holdings.h"

#include <algorithm>
#include <array>

#include "userland/lib/monotonic_clock.h"
#include "userland/rt/file.h"
#include "userland/rt/output.h"

namespace halfcell::userland {

namespace {

Result<std::string> whole_file(std::string_view path) {
    const UniqueFd file = RT_TRY(open_file(path, abi::OpenFlags::kRdonly));
    std::string text;
    std::array<char, 4096> part;
    for (;;) {
        const std::size_t count = RT_TRY(sys_read(file.fd(), std::as_writable_bytes(std::span(part))));
        if (count == 0) return text;
        text.append(part.data(), count);
    }
}

}  // namespace

Result<std::string> holdings() {
    const std::string stat = RT_TRY(whole_file("/scheme/sys/stat"));
    std::string found;
    for (std::size_t at = 0; at < stat.size();) {
        const std::size_t end = std::min(stat.find('\n', at), stat.size());
        const std::string_view line = std::string_view(stat).substr(at, end - at);
        for (const std::string_view name : {"contexts_alive", "event_", "futex_", "pipe_", "timeout_"})
            if (line.starts_with(name)) append(found, concat(line, '\n'));
        at = end + 1;
    }
    // A line for every descriptor of every context.
    const std::string descriptors = RT_TRY(whole_file("/scheme/sys/iostat"));
    append(found, concat("iostat_lines: ", std::count(descriptors.begin(), descriptors.end(), '\n'), '\n'));
    return found;
}

Result<std::string> await_holdings(const std::string& before) {
    constexpr std::uint64_t kPatience = 10'000'000'000;
    const std::uint64_t begin = monotonic_nanoseconds();
    for (;;) {
        std::string now = RT_TRY(holdings());
        if (now == before) return std::string();
        if (monotonic_nanoseconds() - begin > kPatience) return now;
        const abi::TimeSpec moment{.tv_sec = 0, .tv_nsec = 1'000'000};
        (void)sys_nanosleep(moment);
    }
}

}  // namespace halfcell::userland
