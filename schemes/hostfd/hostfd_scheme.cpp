#include "schemes/hostfd/hostfd_scheme.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "abi/flags.h"
#include "kernel_shim/host/host_errno.h"
#include "kernel_shim/mem/address_space.h"
#include "kernel_shim/mem/map_request.h"
#include "kernel_shim/scheme/file_grant_owner.h"
#include "kernel_shim/wait/host_call.h"
#include "schemes/common/wire.h"
#include "schemes/file/host_calls.h"
#include "schemes/file/host_memory.h"
#include "schemes/file/transfer.h"

namespace halfcell::schemes {

using scheme::Caller;

namespace {

bool nonblocking(scheme::TransferFlags flags) {
    return (flags.call & abi::OpenFlags::kNonblock) != 0;
}

}  // namespace

HostfdScheme::HostfdScheme(machine::Pool& pool)
    : pool_(pool), watcher_([this](HandleNumber number, std::uint64_t flags) { trigger(number, flags); }) {
    ignore_broken_pipes();
}

Result<scheme::DescriptionRef> HostfdScheme::adopt(host::UniqueFd file) {
    const int flags = ::fcntl(file.get(), F_GETFL);
    if (flags < 0) return fail(Errno::kEBADF);
    if ((flags & O_PATH) != 0) return fail(Errno::kEACCES);
    const struct stat status = TRY(file::host_stat(file.get()));
    if (S_ISDIR(status.st_mode)) return fail(Errno::kEACCES);
    auto handle = std::make_shared<Handle>();
    handle->regular = S_ISREG(status.st_mode);
    handle->readable = (flags & O_ACCMODE) != O_WRONLY;
    handle->writable = (flags & O_ACCMODE) != O_RDONLY;
    // Devices and what has no type must not hold a worker of ours.
    if (!handle->regular) (void)::fcntl(file.get(), F_SETFL, flags | O_NONBLOCK);
    handle->file = TRY(HostFile::take(std::move(file)));
    const bool regular = handle->regular;
    std::uint64_t opened = handle->readable ? std::uint64_t{abi::OpenFlags::kRdonly} : 0;
    if (handle->writable) opened |= abi::OpenFlags::kWronly;
    const HandleNumber number = handles_.add(std::move(handle));
    return scheme::DescriptionRef::create({.scheme = shared_from_this(),
                                           .scheme_id = id(),
                                           .number = number,
                                           .flags = static_cast<std::uint32_t>(opened),
                                           .positioned = regular});
}

Result<std::uint64_t> HostfdScheme::read_at(const Caller& caller, HandleNumber number, const mem::UserOut& to,
                                            std::uint64_t offset, scheme::TransferFlags flags) {
    const auto handle = TRY(handles_.find(number));
    if (!handle->readable) return fail(Errno::kEBADF);
    if (!handle->regular) {
        if (offset != scheme::kNoOffset) return fail(Errno::kESPIPE);
        const std::uint64_t count =
            TRY(handle->file->read(to, nonblocking(flags), "HostfdScheme::read", caller.waiter));
        if (count > 0 && handle->watched.load()) watcher_.look_again(number);
        return count;
    }
    if (offset > INT64_MAX) return fail(Errno::kEINVAL);
    const int file = handle->file->file();
    return file::fill(to, [&](std::uint64_t done, std::span<std::byte> part) {
        return file::host_read(file, part, offset + done);
    });
}

Result<std::uint64_t> HostfdScheme::write_at(const Caller& caller, HandleNumber number,
                                             const mem::UserIn& from, std::uint64_t offset,
                                             scheme::TransferFlags flags) {
    const auto handle = TRY(handles_.find(number));
    if (!handle->writable) return fail(Errno::kEBADF);
    if (!handle->regular) {
        if (offset != scheme::kNoOffset) return fail(Errno::kESPIPE);
        return handle->file->write(from, nonblocking(flags), "HostfdScheme::write", caller.waiter);
    }
    if (offset > INT64_MAX) return fail(Errno::kEINVAL);
    const int file = handle->file->file();
    return file::drain(from, [&](std::uint64_t done, std::span<const std::byte> part) {
        return file::host_write(file, part, offset + done, file::WriteAt::kOffset, file::Durability::kCached);
    });
}

Result<std::uint64_t> HostfdScheme::fsize(const Caller&, HandleNumber number) {
    const auto handle = TRY(handles_.find(number));
    if (!handle->regular) return fail(Errno::kESPIPE);
    return TRY(handle->file->status()).size;
}

Result<std::uint64_t> HostfdScheme::fevent(const Caller&, HandleNumber number, std::uint64_t flags) {
    const auto handle = TRY(handles_.find(number));
    handle->watched.store(flags != 0);
    return watcher_.watch(number, handle->file, flags, HostWatcher::Initial::kReturn);
}

Result<std::uint64_t> HostfdScheme::fpath(const Caller&, HandleNumber number, const mem::UserOut& to) {
    TRY(handles_.find(number));
    return to.write_common("/scheme/hostfd/" + std::to_string(number.value()));
}

Result<void> HostfdScheme::fstat(const Caller&, HandleNumber number, const mem::UserOut& to) {
    const auto handle = TRY(handles_.find(number));
    const HostFile::Status status = TRY(handle->file->status());
    return reply_stat(to, status.mode, status.size);
}

Result<void> HostfdScheme::fsync(const Caller&, HandleNumber number) {
    const auto handle = TRY(handles_.find(number));
    if (handle->regular && wait::host_call([&] { return ::fsync(handle->file->file()); }) != 0)
        return fail(host::last_error());
    return {};
}

Result<void> HostfdScheme::ftruncate(const Caller&, HandleNumber number, std::uint64_t size) {
    const auto handle = TRY(handles_.find(number));
    if (!handle->regular || !handle->writable || size > INT64_MAX) return fail(Errno::kEINVAL);
    const auto cut = [&] { return ::ftruncate(handle->file->file(), static_cast<off_t>(size)); };
    if (wait::host_call(cut) != 0) return fail(host::last_error());
    return {};
}

Result<machine::MemoryRef> HostfdScheme::private_copy(const Handle& handle, std::uint64_t offset,
                                                      std::uint64_t size) const {
    machine::MemoryRef copy = TRY(pool_.allocate(size));
    std::vector<std::byte> bounce(std::min(size, file::kBounceSize));
    for (std::uint64_t done = 0; done < size;) {
        const auto wanted = std::span(bounce).first(std::min<std::uint64_t>(bounce.size(), size - done));
        const std::uint64_t count = TRY(file::host_read(handle.file->file(), wanted, offset + done));
        if (count == 0) break;
        TRY(copy->write(done, wanted.first(count)));
        done += count;
    }
    return copy;
}

Result<machine::MemoryRef> HostfdScheme::memory(const scheme::DescriptionRef& description,
                                                const Mapping& mapping) {
    if (description->scheme_id() != id()) return fail(Errno::kEBADF);
    const auto handle = TRY(handles_.find(description->number()));
    if (!handle->regular) return fail(Errno::kENODEV);
    if (!handle->readable || (mapping.shared && mapping.stores && !handle->writable))
        return fail(Errno::kEACCES);
    if (!machine::page_aligned(mapping.offset) || mapping.size > INT64_MAX ||
        mapping.offset > INT64_MAX - mapping.size)
        return fail(Errno::kEINVAL);
    if (!mapping.shared) return private_copy(*handle, mapping.offset, mapping.size);
    const std::shared_ptr<HostFile> file = handle->file;
    return std::make_shared<file::HostFileMemory>(file, file->file(), mapping.offset, mapping.size);
}

Result<std::uint64_t> HostfdScheme::fmap(const Caller&, HandleNumber,
                                         const scheme::DescriptionRef& description, mem::AddressSpace& target,
                                         const abi::Map& map, bool) {
    using abi::MapFlags;
    const mem::MapRequest request = TRY(mem::map_request(map, mem::RangeRule::kFile));
    const bool shared = (map.flags & MapFlags::kMapShared) != 0;
    machine::MemoryRef object = TRY(memory(
        description,
        {.offset = map.offset, .size = request.size, .shared = shared, .stores = request.protection.write}));
    if (!shared) return target.map(request, {.object = std::move(object)});
    return target.map(request, {.kind = mem::GrantKind::kFile,
                                .object = std::move(object),
                                .file_offset = map.offset,
                                .owner = std::make_shared<scheme::FileGrantOwner>(description)});
}

Result<void> HostfdScheme::close(HandleNumber number) {
    const auto handle = TRY(handles_.remove(number));
    if (handle->watched.load()) watcher_.unwatch(number);
    return {};
}

}  // namespace halfcell::schemes
