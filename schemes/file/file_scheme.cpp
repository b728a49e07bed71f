#include "schemes/file/file_scheme.h"

#include <utility>

#include "abi/flags.h"
#include "kernel_shim/scheme/redox_path.h"
#include "schemes/file/walk.h"

namespace halfcell::file {

using abi::OpenFlags;
using scheme::Caller;
using scheme::OpenedHandle;
using scheme::OpenResult;

namespace {

Identity identity(const Caller& caller) {
    return {caller.uid, caller.gid};
}

Durability durability(scheme::TransferFlags flags) {
    return (flags.call & OpenFlags::kFsync) != 0 ? Durability::kOnDisk : Durability::kCached;
}

}  // namespace

FileScheme::FileScheme(std::string name, std::vector<Mount> mounts, machine::Pool& pool)
    : name_(std::move(name)), mounts_(std::move(mounts)), pool_(pool) {}

Result<std::string> FileScheme::behind_link(const Mount& mount, const LinkFound& link) {
    if (scheme::names_a_scheme(link.target)) return fail(Errno::kEXDEV);
    if (link.target.empty()) return fail(Errno::kENOENT);
    const std::string_view parent = scheme::split_reference(link.link).parent;
    const std::string here = scheme::resolve_reference(mount.path, parent);
    const std::string there = scheme::resolve_reference(here, link.target);
    return scheme::resolve_reference(there, link.rest);
}

Result<FileScheme::HandleRef> FileScheme::open(std::string path, OpenRequest request) const {
    const Mount* found = nullptr;
    NodeRef node = TRY(walk<NodeRef>(path, [&](const Mount& mount, std::string_view inside) {
        found = &mount;
        auto reached = mount.volume->open(inside, request);
        // Nothing is created through a link that leads nowhere.
        if (reached) {
            const auto* link = std::get_if<LinkFound>(&*reached);
            if (link != nullptr && link->rest.empty())
                request.flags &= ~(OpenFlags::kCreat | OpenFlags::kExcl);
        }
        return reached;
    }));
    auto handle = std::make_shared<Handle>();
    handle->mount = found;
    handle->node = std::move(node);
    handle->readable = request.wants_read();
    handle->writable = request.wants_write();
    handle->path.with([&](std::string& text) { text = std::move(path); });
    return handle;
}

Result<OpenedHandle> FileScheme::root() {
    return OpenedHandle{.number = handles_.add(TRY(open({}, OpenRequest{}))), .positioned = true};
}

Result<OpenResult> FileScheme::openat(const Caller& caller, HandleNumber base, std::string_view path,
                                      std::uint64_t flags, std::uint32_t) {
    const HandleRef directory = TRY(handles_.find(base));
    if (path.find('\0') != std::string_view::npos) return fail(Errno::kEINVAL);
    std::string target = scheme::resolve_reference(directory->current_path(), path);
    HandleRef handle = TRY(open(std::move(target), {.flags = flags, .caller = identity(caller)}));
    return OpenedHandle{.number = handles_.add(std::move(handle)), .positioned = true};
}

Result<OpenResult> FileScheme::dup(const Caller&, HandleNumber number, const mem::UserIn&) {
    TRY(handles_.find(number));
    return fail(Errno::kEINVAL);
}

Result<std::uint64_t> FileScheme::read_at(const Caller&, HandleNumber number, const mem::UserOut& to,
                                          std::uint64_t offset, scheme::TransferFlags) {
    const HandleRef handle = TRY(handles_.find(number));
    if (handle->is_directory()) return fail(Errno::kEISDIR);
    if (!handle->readable || handle->is_socket()) return fail(Errno::kEBADF);
    return handle->node->read(offset, to);
}

Result<std::uint64_t> FileScheme::write_at(const Caller&, HandleNumber number, const mem::UserIn& from,
                                           std::uint64_t offset, scheme::TransferFlags flags) {
    const HandleRef handle = TRY(handles_.find(number));
    if (handle->is_directory() || handle->is_socket() || !handle->writable) return fail(Errno::kEBADF);
    const WriteAt where = (flags.call & OpenFlags::kAppend) != 0 ? WriteAt::kEnd : WriteAt::kOffset;
    return handle->node->write(offset, where, durability(flags), from);
}

Result<std::uint64_t> FileScheme::fsize(const Caller&, HandleNumber number) {
    const HandleRef handle = TRY(handles_.find(number));
    return TRY(handle->node->stat()).st_size;
}

Result<std::uint64_t> FileScheme::fcntl(const Caller&, HandleNumber number, std::uint64_t, std::uint64_t) {
    if (TRY(handles_.find(number))->is_directory()) return fail(Errno::kEBADF);
    return 0;
}

// Files are always ready and say so by refusing to be watched.
Result<std::uint64_t> FileScheme::fevent(const Caller&, HandleNumber number, std::uint64_t) {
    TRY(handles_.find(number));
    return fail(Errno::kEPERM);
}

Result<std::uint64_t> FileScheme::fpath(const Caller&, HandleNumber number, const mem::UserOut& to) {
    const HandleRef handle = TRY(handles_.find(number));
    return to.write_common("/scheme/" + name_ + "/" + handle->current_path());
}

Result<void> FileScheme::fstat(const Caller&, HandleNumber number, const mem::UserOut& to) {
    const HandleRef handle = TRY(handles_.find(number));
    return to.write_exact(TRY(handle->node->stat()));
}

Result<void> FileScheme::fstatvfs(const Caller&, HandleNumber number, const mem::UserOut& to) {
    const HandleRef handle = TRY(handles_.find(number));
    return to.write_exact(TRY(handle->node->statvfs()));
}

Result<void> FileScheme::fsync(const Caller&, HandleNumber number) {
    const HandleRef handle = TRY(handles_.find(number));
    if (handle->is_directory()) return fail(Errno::kEBADF);
    return handle->node->sync();
}

Result<void> FileScheme::ftruncate(const Caller&, HandleNumber number, std::uint64_t size) {
    const HandleRef handle = TRY(handles_.find(number));
    if (handle->is_directory() || handle->is_socket() || !handle->writable) return fail(Errno::kEBADF);
    return handle->node->truncate(size);
}

Result<void> FileScheme::fchmod(const Caller& caller, HandleNumber number, std::uint16_t mode) {
    const HandleRef handle = TRY(handles_.find(number));
    return handle->node->chmod(identity(caller), mode & abi::Mode::kPerm);
}

// Only root gives files away. Source: kernel:src/scheme/user.rs fchown.
Result<void> FileScheme::fchown(const Caller& caller, HandleNumber number, std::uint32_t uid,
                                std::uint32_t gid) {
    const HandleRef handle = TRY(handles_.find(number));
    if (caller.uid != 0 && (uid != caller.uid || gid != caller.gid)) return fail(Errno::kEPERM);
    return handle->node->chown(identity(caller), uid, gid);
}

Result<std::uint64_t> FileScheme::futimens(const Caller& caller, HandleNumber number,
                                           const mem::UserIn& times) {
    struct Times {
        abi::TimeSpec access;
        abi::TimeSpec modification;
    };
    const HandleRef handle = TRY(handles_.find(number));
    const auto wanted = TRY(times.read_exact<Times>());
    for (const std::int32_t nanoseconds : {wanted.access.tv_nsec, wanted.modification.tv_nsec}) {
        constexpr std::int32_t kSecond = 1'000'000'000;
        const bool special = nanoseconds == kUtimeNow || nanoseconds == kUtimeOmit;
        if (!special && (nanoseconds < 0 || nanoseconds >= kSecond)) return fail(Errno::kEINVAL);
    }
    TRY(handle->node->set_times(identity(caller), wanted.access, wanted.modification));
    return 0;
}

Result<void> FileScheme::close(HandleNumber number) {
    const HandleRef handle = TRY(handles_.remove(number));
    if (handle->node->kind() != NodeKind::kFile || locks_.empty()) return {};
    if (const auto key = handle->node->key())
        locks_.release(*key, {LockOwner::Kind::kDescription, number.value()});
    return {};
}

}  // namespace halfcell::file
