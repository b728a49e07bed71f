#include "kernel_shim/gdb/thread_name.h"

namespace halfcell::gdb {

namespace {

// One half: whether there was one, and its number unless it stands for all.
bool read_half(Reader& reader, std::optional<std::uint64_t>& half) {
    if (reader.skip("-1")) return true;
    const auto number = reader.number();
    if (!number) return false;
    if (*number != 0) half = *number;
    return true;
}

}  // namespace

std::optional<ThreadPattern> read_thread_pattern(Reader& reader) {
    ThreadPattern pattern;
    if (!reader.skip("p")) {
        if (!read_half(reader, pattern.thread)) return std::nullopt;
        return pattern;
    }
    if (!read_half(reader, pattern.process)) return std::nullopt;
    if (reader.skip(".") && !read_half(reader, pattern.thread)) return std::nullopt;
    return pattern;
}

std::string to_text(const ThreadName& name, bool multiprocess) {
    const std::string thread = hex_number(name.thread);
    return multiprocess ? "p" + hex_number(name.process) + "." + thread : thread;
}

}  // namespace halfcell::gdb
