#include "kernel_shim/syscall/fd_paths.h"

namespace halfcell::syscall {

namespace {

// What shows of a handle whose scheme has no path for it.
std::size_t name_instead(std::span<char> storage, const scheme::Scheme& scheme, HandleNumber handle) {
    TextWriter writer(storage);
    writer.append("/scheme/");
    writer.append(scheme.name());
    writer.append("/#");
    writer.append_decimal(handle.value());
    return writer.size();
}

}  // namespace

std::string_view FdPaths::path_of(const Call& call, const scheme::FileDescription& description) {
    const HandleNumber handle = description.number();
    const std::uint64_t generation = generation_.load(std::memory_order_relaxed);
    Entry& entry = entries_[(handle.value() ^ description.scheme_id().value() * 7) % entries_.size()];
    if (entry.generation == generation && entry.handle == handle && entry.scheme == description.scheme_id())
        return {entry.text.data(), entry.size};

    const auto scheme = description.scheme();
    if (!scheme) return "gone";
    Result<std::uint64_t> size = fail(Errno::kEOPNOTSUPP);
    // A program that serves a scheme must not see calls that nobody made.
    if ((*scheme)->in_process()) {
        const auto room = mem::UserOut::local(std::as_writable_bytes(std::span(entry.text)));
        size = (*scheme)->fpath(call.caller, handle, room);
    }
    entry.size = size && *size <= entry.text.size() ? *size : name_instead(entry.text, **scheme, handle);
    entry.scheme = description.scheme_id();
    entry.handle = handle;
    entry.generation = generation;
    return {entry.text.data(), entry.size};
}

void FdPaths::append(TextWriter& to, const Call& call, std::uint64_t fd) {
    if (fd == UINT64_MAX) return to.append("-1");
    if (fd::is_upper(fd)) to.append("upper|");
    to.append_decimal(fd::index_of(fd));
    const auto description = call.files.find(FdNumber{fd});
    if (!description) return;
    to.append('<');
    to.append(path_of(call, **description));
    to.append('>');
}

}  // namespace halfcell::syscall
