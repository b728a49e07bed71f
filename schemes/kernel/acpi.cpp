#include "schemes/kernel/acpi.h"

#include "abi/flags.h"
#include "schemes/common/directory.h"
#include "schemes/common/wire.h"

namespace halfcell::schemes {

using abi::OpenFlags;
using scheme::Caller;
using scheme::OpenedHandle;
using scheme::OpenResult;

void AcpiScheme::request_stop() {
    std::set<HandleNumber> told;
    {
        std::lock_guard lock(mutex_);
        stop_requested_ = true;
        waiting_.notify_all();
        told = kstop_handles_;
    }
    for (const HandleNumber number : told)
        trigger(number, abi::EventFlags::kEventRead);
}

Result<OpenedHandle> AcpiScheme::root() {
    return OpenedHandle{.number = handles_.add(std::make_shared<Handle>())};
}

Result<AcpiScheme::Kind> AcpiScheme::find_usable(HandleNumber number) const {
    const auto handle = TRY(handles_.find(number));
    if (handle->stat_only || handle->kind == Kind::kRoot) return fail(Errno::kEBADF);
    return handle->kind;
}

Result<OpenResult> AcpiScheme::openat(const Caller& caller, HandleNumber base, std::string_view path,
                                      std::uint64_t flags, std::uint32_t) {
    if (TRY(handles_.find(base))->kind != Kind::kRoot) return fail(Errno::kEACCES);
    if (caller.uid != 0) return fail(Errno::kEACCES);
    const bool stat_only = (flags & OpenFlags::kStat) != 0;
    const bool directory = (flags & OpenFlags::kDirectory) != 0;
    if ((flags & OpenFlags::kCreat) != 0) return fail(Errno::kEROFS);
    if ((flags & (OpenFlags::kExcl | OpenFlags::kSymlink)) != 0) return fail(Errno::kEINVAL);
    if ((flags & OpenFlags::kAccmode) != OpenFlags::kRdonly && !stat_only) return fail(Errno::kEROFS);
    path = without_leading_slashes(path);
    Kind kind = Kind::kDirectory;
    if (path == "rxsdt")
        kind = Kind::kRxsdt;
    else if (path == "kstop")
        kind = Kind::kKstop;
    else if (!path.empty())
        return fail(Errno::kENOENT);
    if (kind == Kind::kDirectory && !directory && !stat_only) return fail(Errno::kEISDIR);
    if (kind != Kind::kDirectory && directory && !stat_only) return fail(Errno::kENOTDIR);
    const HandleNumber number = handles_.add(std::make_shared<Handle>(Handle{kind, stat_only}));
    if (kind == Kind::kKstop) {
        std::lock_guard lock(mutex_);
        kstop_handles_.insert(number);
    }
    return OpenedHandle{.number = number, .positioned = kind != Kind::kKstop};
}

Result<std::uint64_t> AcpiScheme::read_at(const Caller& caller, HandleNumber number, const mem::UserOut& to,
                                          std::uint64_t offset, scheme::TransferFlags) {
    const Kind kind = TRY(find_usable(number));
    if (kind == Kind::kDirectory) return fail(Errno::kEISDIR);
    if (kind == Kind::kRxsdt) return reply_text(to, "", offset);
    if (to.empty()) return 0;
    {
        std::unique_lock lock(mutex_);
        while (!stop_requested_)
            TRY(waiting_.wait(lock, caller.waiter, "waiting for kstop"));
    }
    TRY(to.write_exact(std::uint8_t{0x42}));
    return 1;
}

Result<std::uint64_t> AcpiScheme::fsize(const Caller&, HandleNumber number) {
    return TRY(find_usable(number)) == Kind::kKstop ? 1 : 0;
}

Result<std::uint64_t> AcpiScheme::fevent(const Caller&, HandleNumber number, std::uint64_t) {
    if (TRY(handles_.find(number))->stat_only) return fail(Errno::kEBADF);
    return 0;
}

Result<std::uint64_t> AcpiScheme::fpath(const Caller&, HandleNumber, const mem::UserOut& to) {
    return to.write_common("/scheme/kernel.acpi/");
}

Result<void> AcpiScheme::fstat(const Caller&, HandleNumber number, const mem::UserOut& to) {
    switch (TRY(handles_.find(number))->kind) {
        case Kind::kDirectory:
            return reply_stat(to, abi::Mode::kDir);
        case Kind::kRxsdt:
            return reply_stat(to, abi::Mode::kFile);
        case Kind::kKstop:
            return reply_stat(to, abi::Mode::kChr, 1);
        case Kind::kRoot:
            break;
    }
    return fail(Errno::kEBADF);
}

Result<std::uint64_t> AcpiScheme::getdents(const Caller&, HandleNumber number, const mem::UserOut& to,
                                           std::uint16_t header_size, std::uint64_t opaque_id) {
    if (TRY(handles_.find(number))->kind != Kind::kDirectory) return fail(Errno::kENOTDIR);
    std::vector<DirectoryEntry> entries;
    if (opaque_id == 0) entries.push_back({0, 1, abi::DirentKind::kRegular, "rxsdt"});
    if (opaque_id <= 1) entries.push_back({0, UINT64_MAX, abi::DirentKind::kSocket, "kstop"});
    return reply_all_entries(to, header_size, entries);
}

Result<void> AcpiScheme::close(HandleNumber number) {
    TRY(handles_.remove(number));
    std::lock_guard lock(mutex_);
    kstop_handles_.erase(number);
    return {};
}

}  // namespace halfcell::schemes
