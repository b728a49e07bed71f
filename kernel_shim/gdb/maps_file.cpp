#include "kernel_shim/gdb/maps_file.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "abi/flags.h"

namespace halfcell::gdb {

namespace {

class TextFile final : public TargetFile {
  public:
    explicit TextFile(std::string text) : text_(std::move(text)) {}

    Result<std::size_t> read(std::uint64_t offset, std::span<std::byte> to) override {
        const std::string_view left =
            std::string_view(text_).substr(std::min<std::uint64_t>(offset, text_.size()));
        const std::size_t size = std::min(left.size(), to.size());
        std::memcpy(to.data(), left.data(), size);
        return size;
    }
    Result<FileStatus> status() override {
        constexpr std::uint32_t kAnybodyReads = 0444;
        return FileStatus{.mode = abi::Mode::kFile | kAnybodyReads, .size = text_.size()};
    }

  private:
    const std::string text_;
};

// The number in front of `text`, which is left behind it; 0 is none.
std::uint64_t take_number(std::string_view& text) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{}) return 0;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return number;
}

}  // namespace

std::optional<std::uint64_t> process_of_maps(const std::string& path) {
    constexpr std::string_view kProcesses = "/proc/";
    constexpr std::string_view kThreads = "/task/";
    std::string_view left = path;
    if (!left.starts_with(kProcesses)) return std::nullopt;
    left.remove_prefix(kProcesses.size());
    const std::uint64_t process = take_number(left);
    if (left.starts_with(kThreads)) {
        left.remove_prefix(kThreads.size());
        if (take_number(left) == 0) return std::nullopt;
    }
    if (process == 0 || left != "/maps") return std::nullopt;
    return process;
}

std::unique_ptr<TargetFile> make_maps_file(const mem::AddressSpace& space) {
    using abi::GrantFlags;
    std::string text;
    for (const abi::GrantDesc& grant : space.describe()) {
        const auto letter = [&](std::uint64_t flag, char yes, char no) {
            return (grant.flags & flag) != 0 ? yes : no;
        };
        text += hex_number(grant.base) + "-" + hex_number(grant.base + grant.size) + " ";
        text += letter(GrantFlags::kGrantRead, 'r', '-');
        text += letter(GrantFlags::kGrantWrite, 'w', '-');
        text += letter(GrantFlags::kGrantExec, 'x', '-');
        text += letter(GrantFlags::kGrantShared, 's', 'p');
        const bool of_file = (grant.flags & GrantFlags::kGrantScheme) != 0;
        text += " " + hex_number(of_file ? grant.offset : 0) + " 00:00 0 ";
        if (of_file) text += "[scheme]";
        if ((grant.flags & GrantFlags::kGrantPhys) != 0) text += "[phys]";
        text += "\n";
    }
    return std::make_unique<TextFile>(std::move(text));
}

}  // namespace halfcell::gdb
