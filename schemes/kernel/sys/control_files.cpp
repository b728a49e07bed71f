#include <cstring>

#include "schemes/kernel/sys/files.h"

// The write-only files.

namespace halfcell::schemes::sys {

namespace {

std::string_view trim_ascii(std::string_view text) {
    constexpr std::string_view kBlanks = " \t\n\f\r";
    const std::size_t first = text.find_first_not_of(kBlanks);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

}  // namespace

// Source: kernel:src/time.rs sys_update_time_offset.
Result<std::uint64_t> write_update_time_offset(const Sources& sources, std::string_view text) {
    std::uint64_t words[2];  // a 128-bit count, low word first
    if (text.size() != sizeof words) return fail(Errno::kEINVAL);
    std::memcpy(words, text.data(), sizeof words);
    sources.kernel.clock.set_realtime_base(words[1] == 0 ? words[0] : UINT64_MAX);
    sources.clock_changed();
    return sizeof words;
}

Result<std::uint64_t> write_kstop(const Sources& sources, std::string_view text) {
    const std::string_view order = trim_ascii(text);
    if (order == "shutdown")
        sources.stop(StopRequest::kShutdown);
    else if (order == "reset")
        sources.stop(StopRequest::kReset);
    else if (order == "emergency_reset")
        sources.stop(StopRequest::kEmergencyReset);
    else
        return fail(Errno::kEINVAL);
    return text.size();
}

}  // namespace halfcell::schemes::sys
