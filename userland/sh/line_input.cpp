#include "userland/sh/line_input.h"

#include <array>
#include <utility>

#include "userland/rt/file.h"
#include "userland/rt/input.h"
#include "userland/rt/output.h"
#include "userland/rt/signal.h"
#include "userland/sh/shell.h"

namespace halfcell::userland::sh {

Result<std::size_t> read_unless_signalled(Fd fd, std::span<char> buffer) {
    // Held: what comes between the look at the flags and the read ends the read.
    const SignalsHeld held;
    if (Traps::interrupted() || Traps::any_pending()) return Errno::kEINTR;
    return sys_read(fd, std::as_writable_bytes(buffer));
}

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

Result<void> read_line_exactly(Fd fd, std::string& line) {
    std::array<char, 256> piece;
    const bool seekable = seekable_rest(fd).has_value();
    for (;;) {
        // What can be read again is read in pieces, and what was too much is given back.
        const std::size_t wanted = seekable ? piece.size() : 1;
        const std::size_t count = RT_TRY(read_unless_signalled(fd, std::span(piece).first(wanted)));
        if (count == 0) return {};
        const std::string_view got(piece.data(), count);
        const std::size_t newline = got.find('\n');
        line.append(got.substr(0, newline == std::string_view::npos ? newline : newline + 1));
        if (newline == std::string_view::npos) continue;
        const std::size_t excess = got.size() - newline - 1;
        if (excess > 0) (void)sys_lseek(fd, -static_cast<std::int64_t>(excess), abi::SeekWhence::kCur);
        return {};
    }
}

StandardInput::StandardInput(Shell& shell, bool prompts) : shell_(shell), prompts_(prompts) {
    const bool edits = prompts && is_terminal(Fd::kStdin) && is_terminal(Fd::kStderr) &&
                       shell.value_or("TERM", "dumb") != "dumb";
    if (edits) shell.history = &editor_.emplace(shell.directories()).history();
}

// What was read before a signal is kept for the next time.
Result<void> StandardInput::read_line(bool continued) {
    const std::string prompt = prompts_ ? shell_.prompt(continued ? "PS2" : "PS1") : std::string();
    if (editor_) {
        line_ = RT_TRY(editor_->read_line(prompt));
        return {};
    }
    if (line_.empty()) (void)write_all(Fd::kStderr, prompt);
    return read_line_exactly(Fd::kStdin, line_);
}

void StandardInput::forget_line() {
    line_.clear();
    if (editor_) editor_->forget_line();
}

bool StandardInput::next_line(std::string& text, bool continued) {
    interrupted_ = false;
    for (;;) {
        const Result<void> line_read = read_line(continued);
        if (line_read) {
            const bool ended = line_.empty();
            if (ended && prompts_) (void)write_all(Fd::kStderr, "\n");
            text += std::exchange(line_, {});
            return !ended;
        }
        if (line_read.error() != Errno::kEINTR) return false;
        // With an interrupt the terminal throws away what was typed, and so does the shell: of this line, and
        // of a command that goes over several lines.
        const bool given_up = prompts_ && (Traps::interrupted() || Traps::is_pending(Signal::kInt));
        shell_.run_pending_traps();
        if (shell_.flow != Flow::kNone) return false;
        if (given_up) forget_line();
        if (Traps::take_interrupt()) (void)write_all(Fd::kStderr, "\n");
        interrupted_ = given_up && continued;
        if (interrupted_) return false;
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
