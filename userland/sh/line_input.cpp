#include "userland/sh/line_input.h"

#include <array>

#include "userland/rt/file.h"
#include "userland/rt/input.h"
#include "userland/rt/output.h"
#include "userland/sh/shell.h"

namespace halfcell::userland::sh {

bool FileInput::next_line(std::string& text, bool) {
    constexpr std::size_t kPiece = 8192;
    for (;;) {
        const std::size_t newline = buffer_.find('\n', at_);
        if (newline != std::string::npos || ended_) {
            const std::size_t end = newline == std::string::npos ? buffer_.size() : newline + 1;
            if (at_ == end) return false;
            text.append(buffer_, at_, end - at_);
            at_ = end;
            return true;
        }
        buffer_.erase(0, at_);
        at_ = 0;
        const std::size_t size = buffer_.size();
        buffer_.resize(size + kPiece);
        const Result<std::size_t> count =
            read_some(file_.fd(), std::as_writable_bytes(std::span(buffer_).subspan(size)));
        buffer_.resize(size + (count ? *count : 0));
        ended_ = !count || *count == 0;
    }
}

Result<std::string> read_line_exactly(Fd fd) {
    std::string text;
    std::array<char, 256> piece;
    const bool seekable = seekable_rest(fd).has_value();
    for (;;) {
        // What can be read again is read in pieces, and what was too much is given back.
        const std::size_t wanted = seekable ? piece.size() : 1;
        const Result<std::size_t> count =
            sys_read(fd, std::as_writable_bytes(std::span(piece).first(wanted)));
        if (!count) return count.error();
        if (*count == 0) return text;
        const std::string_view got(piece.data(), *count);
        const std::size_t newline = got.find('\n');
        text.append(got.substr(0, newline == std::string_view::npos ? newline : newline + 1));
        if (newline == std::string_view::npos) continue;
        const std::size_t excess = got.size() - newline - 1;
        if (excess > 0) (void)sys_lseek(fd, -static_cast<std::int64_t>(excess), abi::SeekWhence::kCur);
        return text;
    }
}

bool StandardInput::next_line(std::string& text, bool continued) {
    interrupted_ = false;
    for (;;) {
        if (prompts_) shell_.show_prompt(continued ? "PS2" : "PS1");
        Result<std::string> line_read = read_line_exactly(Fd::kStdin);
        if (line_read) {
            if (line_read->empty() && prompts_) (void)write_all(Fd::kStderr, "\n");
            text.append(*line_read);
            return !line_read->empty();
        }
        if (line_read.error() != Errno::kEINTR) return false;
        shell_.run_pending_traps();
        if (!prompts_) continue;
        if (Traps::take_interrupt()) (void)write_all(Fd::kStderr, "\n");
        if (shell_.flow != Flow::kNone) return false;
        // What was typed of a command that goes over several lines is given up with it.
        interrupted_ = continued;
        if (continued) return false;
    }
}

Result<UniqueFd> open_script(std::string_view path) {
    const UniqueFd file = RT_TRY(open_file(path, abi::OpenFlags::kRdonly | abi::OpenFlags::kCloexec));
    const abi::Stat stat = RT_TRY(sys_fstat(file.fd()));
    if (is_directory(stat)) return Errno::kEISDIR;
    return UniqueFd(
        Fd{RT_TRY(sys_fcntl(file.fd(), abi::FcntlCommand::kDupfdCloexec, abi::Limits::kUpperFdtblTag))});
}

}  // namespace halfcell::userland::sh
