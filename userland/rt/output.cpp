#include "userland/rt/output.h"

#include <cstring>

#include "abi/error.h"
#include "userland/rt/process.h"

namespace halfcell::userland {
namespace {

constinit char out_buffer[64 * 1024] = {};
constinit char err_buffer[1024] = {};
constinit Writer standard_output(Fd::kStdout, out_buffer, Writer::Buffering::kUnknown);
constinit Writer standard_error(Fd::kStderr, err_buffer, Writer::Buffering::kLine);

}  // namespace

Writer& out() {
    return standard_output;
}
Writer& err() {
    return standard_error;
}

void append(std::string& text, std::string_view part) {
    text.append(part);
}
void append(std::string& text, char part) {
    text.push_back(part);
}

void append_unsigned(std::string& text, std::uint64_t value) {
    char digits[20];
    std::size_t at = sizeof(digits);
    do {
        digits[--at] = static_cast<char>('0' + value % 10);
        value /= 10;
    } while (value != 0);
    text.append(digits + at, sizeof(digits) - at);
}

void append_signed(std::string& text, std::int64_t value) {
    if (value < 0) text.push_back('-');
    append_unsigned(text,
                    value < 0 ? ~static_cast<std::uint64_t>(value) + 1 : static_cast<std::uint64_t>(value));
}

bool is_terminal(Fd fd) {
    const Result<Fd> terminal = sys_dup(fd, "termios");
    if (!terminal) return false;
    (void)sys_close(*terminal);
    return true;
}

Result<void> write_all(Fd fd, std::string_view text) {
    while (!text.empty()) {
        const Result<std::size_t> written = sys_write(fd, std::as_bytes(std::span(text)));
        if (!written && written.error() == Errno::kEINTR) continue;
        if (!written) return written.error();
        if (*written == 0) return Errno::kEIO;
        text.remove_prefix(*written);
    }
    return {};
}

void Writer::write(std::string_view text) {
    if (text.size() > buffer_.size() - used_) {
        flush();
        if (text.size() >= buffer_.size()) {
            write_through(text);
            return;
        }
    }
    std::memcpy(buffer_.data() + used_, text.data(), text.size());
    used_ += text.size();
    if (buffering_ != Buffering::kBlock && text.find('\n') != std::string_view::npos) end_line();
}

void Writer::end_line() {
    if (buffering_ == Buffering::kUnknown) {
        buffering_ = is_terminal(fd_) ? Buffering::kLine : Buffering::kBlock;
    }
    if (buffering_ == Buffering::kLine) flush();
}

void Writer::flush() {
    const std::string_view pending(buffer_.data(), used_);
    used_ = 0;
    write_through(pending);
}

void Writer::write_through(std::string_view text) {
    if (failed_ || text.empty()) return;
    const Result<void> result = write_all(fd_, text);
    if (result) return;
    failed_ = true;
    if (fd_ != Fd::kStdout) return;
    if (result.error() != Errno::kEPIPE) {
        const char* reason = abi::errno_text(result.error());
        err().print(process().program_path, ": write error: ", std::string_view(reason), '\n');
    }
    exit_now(1);
}

}  // namespace halfcell::userland
