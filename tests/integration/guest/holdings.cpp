#include "tests/integration/guest/holdings.h"

#include <algorithm>
#include <array>

#include "userland/lib/monotonic_clock.h"
#include "userland/lib/number.h"
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

void rest_a_moment() {
    const abi::TimeSpec moment{.tv_sec = 0, .tv_nsec = 1'000'000};
    (void)sys_nanosleep(moment);
}

Result<Holdings> holdings() {
    const std::string stat = RT_TRY(whole_file("/scheme/sys/stat"));
    Holdings found;
    for (std::size_t at = 0; at < stat.size();) {
        const std::size_t end = std::min(stat.find('\n', at), stat.size());
        const std::string_view line = std::string_view(stat).substr(at, end - at);
        const std::size_t colon = line.find(": ");
        for (const std::string_view name : {"contexts_alive", "event_", "futex_", "pipe_", "timeout_"})
            if (line.starts_with(name) && colon != line.npos)
                found.emplace_back(line.substr(0, colon), parse_unsigned(line.substr(colon + 2)).value_or(0));
        at = end + 1;
    }
    // A line for every descriptor of every context.
    const std::string descriptors = RT_TRY(whole_file("/scheme/sys/iostat"));
    found.emplace_back("descriptors", std::count(descriptors.begin(), descriptors.end(), '\n'));
    return found;
}

std::string more_than(const Holdings& before, const Holdings& now) {
    std::string more;
    for (std::size_t i = 0; i < now.size(); ++i)
        if (now[i].second > before[i].second)
            append(more, concat(now[i].first, ' ', now[i].second, " instead of ", before[i].second, "; "));
    return more;
}

}  // namespace

Result<Holdings> settled_holdings() {
    constexpr int kWhile = 20;
    Holdings last = RT_TRY(holdings());
    for (int same = 0; same < kWhile; ++same) {
        rest_a_moment();
        Holdings now = RT_TRY(holdings());
        if (now != last) same = 0;
        last = std::move(now);
    }
    return last;
}

Result<std::string> await_no_more_than(const Holdings& before) {
    constexpr std::uint64_t kPatience = 10'000'000'000;
    const std::uint64_t begin = monotonic_nanoseconds();
    for (;;) {
        std::string more = more_than(before, RT_TRY(holdings()));
        if (more.empty() || monotonic_nanoseconds() - begin > kPatience) return more;
        rest_a_moment();
    }
}

}  // namespace halfcell::userland
