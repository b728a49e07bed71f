#include "userland/rt/input.h"

#include <algorithm>
#include <cstring>

namespace halfcell::userland {
namespace {

constexpr std::size_t kFirstBuffer = 64 * 1024;

constinit std::byte* transfer_memory = nullptr;

}  // namespace

Result<std::size_t> read_some(Fd fd, std::span<std::byte> buffer) {
    for (;;) {
        Result<std::size_t> count = sys_read(fd, buffer);
        if (count || count.error() != Errno::kEINTR) return count;
    }
}

Result<std::size_t> read_full(Fd fd, std::span<std::byte> buffer) {
    std::size_t done = 0;
    while (done < buffer.size()) {
        const std::size_t count = RT_TRY(read_some(fd, buffer.subspan(done)));
        if (count == 0) break;
        done += count;
    }
    return done;
}

Result<void> read_rest(Fd fd, std::string& text) {
    const std::span<std::byte> buffer = transfer_buffer();
    for (;;) {
        const std::size_t count = RT_TRY(read_some(fd, buffer));
        if (count == 0) return {};
        if (text.capacity() - text.size() < count)
            text.reserve(std::max(text.capacity() * 2, text.size() + count));
        text.append(as_text(buffer.first(count)));
    }
}

std::optional<std::uint64_t> seekable_rest(Fd fd) {
    const Result<std::uint64_t> here = sys_lseek(fd, 0, abi::SeekWhence::kCur);
    if (!here) return {};
    const Result<std::uint64_t> end = sys_lseek(fd, 0, abi::SeekWhence::kEnd);
    if (!end || !sys_lseek(fd, static_cast<std::int64_t>(*here), abi::SeekWhence::kSet)) return {};
    return *end > *here ? *end - *here : 0;
}

std::span<std::byte> transfer_buffer() {
    if (transfer_memory == nullptr) transfer_memory = static_cast<std::byte*>(operator new(kTransferSize));
    return {transfer_memory, kTransferSize};
}

Result<std::optional<Line>> LineReader::next() {
    std::size_t searched = 0;
    for (;;) {
        const std::string_view pending(buffer_.data() + begin_, end_ - begin_);
        const std::size_t at = pending.find(delimiter_, searched);
        if (at != std::string_view::npos) {
            begin_ += at + 1;
            return std::optional<Line>({pending.substr(0, at), true});
        }
        if (at_end_) {
            begin_ = end_;
            if (pending.empty()) return std::optional<Line>();
            return std::optional<Line>({pending, false});
        }
        searched = pending.size();
        if (begin_ > 0) {
            std::memmove(buffer_.data(), buffer_.data() + begin_, pending.size());
            end_ -= begin_;
            begin_ = 0;
        }
        if (end_ == buffer_.size()) buffer_.resize(buffer_.empty() ? kFirstBuffer : buffer_.size() * 2);
        const std::span<char> room = std::span(buffer_).subspan(end_);
        const std::size_t count = RT_TRY(read_some(fd_, std::as_writable_bytes(room)));
        at_end_ = count == 0;
        end_ += count;
    }
}

}  // namespace halfcell::userland
