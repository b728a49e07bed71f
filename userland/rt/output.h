#pragma once

// Buffered output. Standard output is flushed at exit, when its buffer is full and, on a terminal, after each
// line.

#include <concepts>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "userland/rt/syscall.h"

namespace halfcell::userland {

// Appends a value as text: strings, characters and whole numbers.
void append(std::string& text, std::string_view part);
void append(std::string& text, char part);
void append_unsigned(std::string& text, std::uint64_t value);
void append_signed(std::string& text, std::int64_t value);

template <std::integral Number>
requires(!std::same_as<Number, char> && !std::same_as<Number, bool>) void append(std::string& text,
                                                                                 Number value) {
    if constexpr (std::signed_integral<Number>) {
        append_signed(text, value);
    } else {
        append_unsigned(text, value);
    }
}

// The parts one after another.
template <typename... Parts>
std::string concat(const Parts&... parts) {
    std::string text;
    (append(text, parts), ...);
    return text;
}

class Writer {
  public:
    enum class Buffering { kUnknown, kLine, kBlock };

    // The buffer must outlive the writer.
    constexpr Writer(Fd fd, std::span<char> buffer, Buffering buffering)
        : fd_(fd), buffer_(buffer), buffering_(buffering) {}

    void put(char byte) {
        if (used_ == buffer_.size()) flush();
        buffer_[used_++] = byte;
        if (byte == '\n' && buffering_ != Buffering::kBlock) end_line();
    }

    void write(std::string_view text);

    // Writes the parts as `append` shows them.
    template <typename... Parts>
    void print(const Parts&... parts) {
        (write_part(parts), ...);
    }

    // Writes what is buffered; blocks while the descriptor does. A failed write of standard output ends the
    // program with status 1, as nothing more of its work can be seen; EPIPE does so silently.
    void flush();

    bool failed() const { return failed_; }

  private:
    void write_part(std::string_view text) { write(text); }
    void write_part(char byte) { put(byte); }
    template <std::integral Number>
    requires(!std::same_as<Number, char> && !std::same_as<Number, bool>) void write_part(Number value) {
        write(concat(value));
    }
    void end_line();
    void write_through(std::string_view text);

    Fd fd_;
    std::span<char> buffer_;
    std::size_t used_ = 0;
    Buffering buffering_;
    bool failed_ = false;
};

// Standard output and standard error of this program.
Writer& out();
Writer& err();

// Whether the descriptor is a terminal: it has a "termios" side, as relibc's isatty asks.
bool is_terminal(Fd fd);

// Writes all of it, in as many calls as it takes.
Result<void> write_all(Fd fd, std::string_view text);

}  // namespace halfcell::userland
