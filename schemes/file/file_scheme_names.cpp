#include "abi/flags.h"
#include "kernel_shim/scheme/redox_path.h"
#include "schemes/file/file_scheme.h"
#include "schemes/file/walk.h"

// The operations of the file scheme that change names.

namespace halfcell::file {

using scheme::Caller;

Result<void> FileScheme::unlinkat(const Caller& caller, HandleNumber base, std::string_view path,
                                  std::uint64_t flags) {
    const HandleRef directory = TRY(handles_.find(base));
    if (path.find('\0') != std::string_view::npos) return fail(Errno::kEINVAL);
    std::string target = scheme::resolve_reference(directory->current_path(), path);
    const auto what =
        (flags & abi::AtFlags::kRemovedir) != 0 ? Volume::Remove::kDirectory : Volume::Remove::kFile;
    const Identity who{caller.uid, caller.gid};
    TRY(walk<Done>(target, [&](const Mount& mount, std::string_view inside) -> Result<Reached<Done>> {
        if (mounts_.holds_mount(target)) return fail(Errno::kEBUSY);
        return mount.volume->unlink(inside, what, who);
    }));
    sockets_.forget_nameless();
    return {};
}

Result<void> FileScheme::frename(const Caller& caller, HandleNumber number, std::string_view path) {
    const HandleRef handle = TRY(handles_.find(number));
    if (path.find('\0') != std::string_view::npos) return fail(Errno::kEINVAL);
    const std::string source = handle->current_path();
    if (mounts_.holds_mount(source)) return fail(Errno::kEBUSY);
    std::string target = scheme::resolve_reference({}, path);
    const Identity who{caller.uid, caller.gid};
    TRY(walk<Done>(target, [&](const Mount& mount, std::string_view inside) -> Result<Reached<Done>> {
        if (mounts_.holds_mount(target)) return fail(Errno::kEBUSY);
        if (&mount != handle->mount) return fail(Errno::kEXDEV);
        return mount.volume->rename(*handle->node, mounts_.find(source).path, inside, who);
    }));
    handle->path.with([&](std::string& text) { text = std::move(target); });
    sockets_.forget_nameless();
    return {};
}

Result<void> FileScheme::flink(const Caller& caller, HandleNumber number, std::string_view path) {
    const HandleRef handle = TRY(handles_.find(number));
    if (path.find('\0') != std::string_view::npos) return fail(Errno::kEINVAL);
    const std::string source = handle->current_path();
    std::string target = scheme::resolve_reference({}, path);
    const Identity who{caller.uid, caller.gid};
    TRY(walk<Done>(target, [&](const Mount& mount, std::string_view inside) -> Result<Reached<Done>> {
        if (mounts_.holds_mount(target)) return fail(Errno::kEEXIST);
        if (&mount != handle->mount) return fail(Errno::kEXDEV);
        return mount.volume->link(*handle->node, mounts_.find(source).path, inside, who);
    }));
    return {};
}

}  // namespace halfcell::file
