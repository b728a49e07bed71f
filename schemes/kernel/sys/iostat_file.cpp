#include <array>
#include <cinttypes>
#include <cstdio>

#include "abi/flags.h"
#include "kernel_shim/base/utf8.h"
#include "schemes/kernel/sys/files.h"

// Source: kernel:src/scheme/sys/iostat.rs.

namespace halfcell::schemes::sys {

namespace {

std::string path_or_error(const scheme::Caller& caller, const scheme::FileDescription& file) {
    const auto serving = file.scheme();
    if (!serving) return "no scheme";
    std::array<std::byte, 4096> path;
    const auto size = (*serving)->fpath(caller, file.number(), mem::UserOut::local(path));
    if (!size) return abi::errno_text(size.error());
    const std::string_view text(reinterpret_cast<const char*>(path.data()),
                                std::min<std::uint64_t>(*size, path.size()));
    return is_utf8(text) ? std::string(text) : "?";
}

std::string file_line(const scheme::Caller& caller, std::uint64_t fd, const scheme::FileDescription& file) {
    char line[128];
    std::snprintf(line, sizeof line, "%c %4" PRIu64 ": %8" PRIu32 " %8" PRIu64 " %08" PRIX32 ": ",
                  (fd & abi::kUpperFdtblTag) != 0 ? 'U' : ' ', fd & ~abi::kUpperFdtblTag,
                  file.scheme_id().value(), file.number().value(), file.flags());
    return line + path_or_error(caller, file) + "\n";
}

}  // namespace

Result<std::string> read_iostat(const Sources& sources, const scheme::Caller& caller) {
    std::string text;
    for (const Row& row : rows(sources.kernel.contexts)) {
        text += std::to_string(row.pid) + ": " + row.name + "\n";
        const std::shared_ptr<fd::FdTable> files = row.context != nullptr ? row.context->files() : nullptr;
        if (files == nullptr) continue;
        for (const auto& [fd, descriptor] : files->snapshot())
            text += file_line(caller, fd.value(), *descriptor.description);
    }
    return text;
}

}  // namespace halfcell::schemes::sys
