#include "userland/lib/block_copy.h"

#include <algorithm>

#include "userland/lib/monotonic_clock.h"
#include "userland/lib/number.h"
#include "userland/lib/tool.h"
#include "userland/rt/file.h"
#include "userland/rt/input.h"

namespace halfcell::userland {
namespace {

bool all_zero(std::span<const std::byte> block) {
    return std::all_of(block.begin(), block.end(), [](std::byte byte) { return byte == std::byte{0}; });
}

// Three significant digits, as dd shows rates and sizes: "1.1 GB", "300 MiB".
std::string rounded_size(std::uint64_t value, std::uint64_t base, std::string_view suffix) {
    constexpr std::string_view kUnits = " kMGTPE";
    std::uint64_t scale = 1;
    std::size_t unit = 0;
    while (value / scale >= base && unit + 1 < kUnits.size()) {
        scale *= base;
        ++unit;
    }
    const std::uint64_t tenths = value / scale * 10 + (value % scale * 10 + scale / 2) / scale;
    std::string text =
        tenths < 100 ? decimal(tenths / 10) + "." + decimal(tenths % 10) : decimal((tenths + 5) / 10);
    text.push_back(' ');
    if (unit > 0) text.push_back(base == 1024 && kUnits[unit] == 'k' ? 'K' : kUnits[unit]);
    return text.append(unit > 0 || base == 1000 ? suffix : "B");
}

}  // namespace

void BlockCopy::open_files() {
    using abi::OpenFlags;
    if (input.empty()) {
        in_ = UniqueFd(Fd::kStdin);
    } else {
        Result<UniqueFd> file = open_file(input, OpenFlags::kRdonly | OpenFlags::kCloexec);
        if (!file) give_up(1, "failed to open ", quoted(input), ": ", error_sentence(file.error()));
        in_ = std::move(*file);
    }
    if (output.empty()) {
        out_ = UniqueFd(Fd::kStdout);
        return;
    }
    std::uint64_t flags = OpenFlags::kWronly | OpenFlags::kCloexec;
    if (create) flags |= OpenFlags::kCreat;
    if (exclusive) flags |= OpenFlags::kExcl;
    if (append) flags |= OpenFlags::kAppend;
    if (truncate && seek == 0) flags |= OpenFlags::kTrunc;
    Result<UniqueFd> file = open_file(output, flags);
    if (!file) give_up(1, "failed to open ", quoted(output), ": ", error_sentence(file.error()));
    out_ = std::move(*file);
    if (seek == 0) return;
    const std::uint64_t offset = seek_in_bytes ? seek : seek * output_block;
    if (truncate) {
        const Result<void> cut = sys_ftruncate(out_.fd(), offset);
        if (!cut)
            give_up(1, "failed to truncate to ", offset, " bytes in output file ", quoted(output), ": ",
                    error_sentence(cut.error()));
    }
    const Result<std::uint64_t> moved =
        sys_lseek(out_.fd(), static_cast<std::int64_t>(offset), abi::SeekWhence::kSet);
    if (!moved) give_up(1, quoted(output), ": cannot seek: ", error_sentence(moved.error()));
}

// By moving the offset of a regular file, by reading otherwise.
void BlockCopy::skip_input() {
    std::uint64_t bytes = skip_in_bytes ? skip : skip * input_block;
    if (bytes == 0) return;
    if (seekable_rest(in_.fd()) &&
        sys_lseek(in_.fd(), static_cast<std::int64_t>(bytes), abi::SeekWhence::kCur)) {
        return;
    }
    while (bytes > 0) {
        const std::span<std::byte> room =
            transfer_buffer().first(std::min<std::uint64_t>(bytes, transfer_buffer().size()));
        const Result<std::size_t> got = read_some(in_.fd(), room);
        if (!got || *got == 0) return;
        bytes -= *got;
    }
}

std::uint64_t BlockCopy::next_read_size() const {
    if (!count) return input_block;
    if (count_in_bytes) return std::min(input_block, *count - std::min(*count, bytes_in_));
    return full_in_ + partial_in_ < *count ? input_block : 0;
}

void BlockCopy::convert(std::span<std::byte> block) const {
    if (swap_bytes) {
        for (std::size_t i = 0; i + 1 < block.size(); i += 2)
            std::swap(block[i], block[i + 1]);
    }
    if (letters == Letters::kKeep) return;
    for (std::byte& byte : block) {
        const auto c = static_cast<char>(byte);
        if (letters == Letters::kUpper && c >= 'a' && c <= 'z') byte = static_cast<std::byte>(c - 'a' + 'A');
        if (letters == Letters::kLower && c >= 'A' && c <= 'Z') byte = static_cast<std::byte>(c - 'A' + 'a');
    }
}

bool BlockCopy::write_block(std::span<const std::byte> block) {
    if (sparse && all_zero(block) &&
        sys_lseek(out_.fd(), static_cast<std::int64_t>(block.size()), abi::SeekWhence::kCur)) {
        hole_at_end_ = true;
    } else {
        hole_at_end_ = false;
        const Result<void> written = write_all(out_.fd(), as_text(block));
        if (!written) {
            complain("error writing ", quoted(output.empty() ? "standard output" : output), ": ",
                     error_sentence(written.error()));
            return false;
        }
    }
    bytes_out_ += block.size();
    ++(block.size() == output_block ? full_out_ : partial_out_);
    return true;
}

bool BlockCopy::add_output(std::span<const std::byte> bytes) {
    if (one_size || (pending_.empty() && bytes.size() == output_block)) return write_block(bytes);
    while (!bytes.empty()) {
        const std::size_t taken = std::min<std::uint64_t>(bytes.size(), output_block - pending_.size());
        pending_.insert(pending_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(taken));
        bytes = bytes.subspan(taken);
        if (pending_.size() < output_block) continue;
        if (!write_block(pending_)) return false;
        pending_.clear();
    }
    return true;
}

bool BlockCopy::copy_all() {
    std::vector<std::byte> buffer(input_block);
    for (;;) {
        const std::uint64_t wanted = next_read_size();
        if (wanted == 0) return true;
        const std::span<std::byte> room = std::span(buffer).first(wanted);
        const Result<std::size_t> got = full_blocks ? read_full(in_.fd(), room) : read_some(in_.fd(), room);
        if (!got) {
            complain("error reading ", quoted(input.empty() ? "standard input" : input), ": ",
                     error_sentence(got.error()));
            if (!go_on_after_errors) return false;
            if (!sys_lseek(in_.fd(), static_cast<std::int64_t>(wanted), abi::SeekWhence::kCur)) return false;
            ++partial_in_;
            continue;
        }
        if (*got == 0) return true;
        ++(*got == input_block ? full_in_ : partial_in_);
        bytes_in_ += *got;
        std::span<std::byte> block = room.first(*got);
        if (pad_blocks && *got < input_block) {
            std::fill(buffer.begin() + static_cast<std::ptrdiff_t>(*got), buffer.end(), std::byte{0});
            block = buffer;
        }
        convert(block);
        if (!add_output(block)) return false;
    }
}

bool BlockCopy::finish_output() {
    if (!pending_.empty() && !write_block(pending_)) return false;
    if (hole_at_end_) {
        const Result<std::uint64_t> end = sys_lseek(out_.fd(), 0, abi::SeekWhence::kCur);
        if (end) (void)sys_ftruncate(out_.fd(), *end);
    }
    if (!synchronize) return true;
    const Result<void> synced = sys_fsync(out_.fd());
    if (!synced) complain("fsync failed for ", quoted(output), ": ", error_sentence(synced.error()));
    return static_cast<bool>(synced);
}

void BlockCopy::print_report(std::uint64_t nanoseconds) const {
    if (report == Report::kNone) return;
    err().print(full_in_, '+', partial_in_, " records in\n", full_out_, '+', partial_out_, " records out\n");
    if (report == Report::kRecords) return;
    nanoseconds = std::max<std::uint64_t>(nanoseconds, 1);
    const std::uint64_t milliseconds = (nanoseconds + 500'000) / 1'000'000;
    const auto rate =
        static_cast<std::uint64_t>(static_cast<double>(bytes_out_) * 1e9 / static_cast<double>(nanoseconds));
    err().print(bytes_out_, bytes_out_ == 1 ? " byte" : " bytes");
    if (bytes_out_ >= 1000) {
        err().print(" (", rounded_size(bytes_out_, 1000, "B"));
        if (bytes_out_ >= 1024) err().print(", ", rounded_size(bytes_out_, 1024, "iB"));
        err().print(")");
    }
    err().print(" copied, ", milliseconds / 1000, '.', pad_left(decimal(milliseconds % 1000), 3, '0'), " s, ",
                rounded_size(rate, 1000, "B"), "/s\n");
}

int BlockCopy::run() {
    open_files();
    skip_input();
    const std::uint64_t start = monotonic_nanoseconds();
    const bool copied = copy_all();
    const bool finished = finish_output();
    print_report(monotonic_nanoseconds() - start);
    return copied && finished ? tool_status() : 1;
}

}  // namespace halfcell::userland
