#pragma once

// Buffered reading of lines and of whole files.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "userland/rt/syscall.h"

namespace halfcell::userland {

struct Line {
    std::string_view text;  // Without the delimiter; valid until the next call.
    bool delimited;         // False for a last line that does not end in the delimiter.
};

class LineReader {
  public:
    explicit LineReader(Fd fd, char delimiter = '\n') : fd_(fd), delimiter_(delimiter) {}

    // The next line, or nothing at the end of input. Blocks while the descriptor does.
    Result<std::optional<Line>> next();

  private:
    Fd fd_;
    char delimiter_;
    std::vector<char> buffer_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    bool at_end_ = false;
};

// Reads up to size bytes; less only at the end of input.
Result<std::size_t> read_full(Fd fd, std::span<std::byte> buffer);

// Appends the rest of the file to `text`.
Result<void> read_rest(Fd fd, std::string& text);

// One read, repeated when interrupted; 0 at the end of input.
Result<std::size_t> read_some(Fd fd, std::span<std::byte> buffer);

// Bytes between the offset and the end of a file whose offset can be moved; nothing for pipes, terminals and
// what else only flows. An lseek alone does not tell: the kernel stores an offset for every descriptor.
std::optional<std::uint64_t> seekable_rest(Fd fd);

// A buffer for bulk transfers, mapped afresh. Its pages are touched only as far as they are used.
inline constexpr std::size_t kTransferSize = 256 * 1024;
std::span<std::byte> transfer_buffer();

inline std::string_view as_text(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace halfcell::userland
