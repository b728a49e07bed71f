#include "kernel_shim/boot/script.h"

#include <elf.h>

#include <algorithm>
#include <cstring>
#include <string_view>

namespace halfcell::boot {

namespace {

constexpr std::string_view kMark = "#!";
constexpr std::size_t kLongestLine = 4096;
constexpr std::string_view kBlanks = " \t";

std::string_view text_of(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string_view without_leading(std::string_view text, std::string_view unwanted) {
    text.remove_prefix(std::min(text.find_first_not_of(unwanted), text.size()));
    return text;
}

}  // namespace

Result<std::optional<ScriptLine>> parse_script(std::span<const std::byte> file) {
    std::string_view text = text_of(file);
    if (!text.starts_with(kMark)) return std::optional<ScriptLine>();
    text = text.substr(0, text.find('\n'));
    if (text.size() > kLongestLine) return fail(Errno::kE2BIG);
    if (text.find('\0') != std::string_view::npos) return fail(Errno::kENOEXEC);
    text = without_leading(text.substr(kMark.size()), " \t\r\f");
    if (text.empty()) return fail(Errno::kENOEXEC);
    const std::size_t end = std::min(text.find(' '), text.size());
    ScriptLine line{.interpreter = std::string(text.substr(0, end)), .argument = {}};
    text = without_leading(text.substr(end), kBlanks);
    if (!text.empty()) line.argument = text;
    return std::optional(std::move(line));
}

bool is_opened_by_name(std::span<const std::byte> head) {
    if (text_of(head).starts_with(kMark)) return true;
    Elf64_Ehdr header;
    if (head.size() < sizeof header) return false;
    std::memcpy(&header, head.data(), sizeof header);
    if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) return false;
    for (std::uint64_t index = 0; index < header.e_phnum; ++index) {
        Elf64_Phdr segment;
        const std::uint64_t at = header.e_phoff + index * sizeof segment;
        if (at > head.size() || head.size() - at < sizeof segment) return false;
        std::memcpy(&segment, head.data() + at, sizeof segment);
        if (segment.p_type == PT_INTERP) return true;
    }
    return false;
}

}  // namespace halfcell::boot
