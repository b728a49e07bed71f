#include "schemes/stdio/stdio.h"

#include <string>

#include "abi/flags.h"
#include "schemes/common/wire.h"

namespace halfcell::schemes {

using scheme::Caller;
using scheme::OpenedHandle;
using scheme::OpenResult;

namespace {

bool nonblocking(scheme::TransferFlags flags) {
    return (flags.call & abi::OpenFlags::kNonblock) != 0;
}

}  // namespace

Result<std::shared_ptr<StdioScheme>> StdioScheme::create() {
    ignore_broken_pipes();
    Files files;
    for (int index = 0; index < 3; ++index)
        files[static_cast<std::size_t>(index)] = TRY(HostFile::open(index));
    return std::make_shared<StdioScheme>(std::move(files));
}

StdioScheme::StdioScheme(Files files)
    : files_(std::move(files)),
      watcher_([this](HandleNumber number, std::uint64_t flags) { trigger(number, flags); }) {}

Result<OpenedHandle> StdioScheme::root() {
    return OpenedHandle{.number = handles_.add(std::make_shared<Handle>())};
}

Result<std::shared_ptr<StdioScheme::Handle>> StdioScheme::find(HandleNumber number) const {
    auto handle = TRY(handles_.find(number));
    if (handle->index < 0) return fail(Errno::kEBADF);
    return handle;
}

Result<OpenResult> StdioScheme::openat(const Caller&, HandleNumber base, std::string_view path, std::uint64_t,
                                       std::uint32_t) {
    if (TRY(handles_.find(base))->index >= 0) return fail(Errno::kEACCES);
    if (path.size() != 1 || path[0] < '0' || path[0] > '2') return fail(Errno::kENOENT);
    auto handle = std::make_shared<Handle>();
    handle->index = path[0] - '0';
    return OpenedHandle{.number = handles_.add(std::move(handle))};
}

Result<std::uint64_t> StdioScheme::read(const Caller& caller, HandleNumber number, const mem::UserOut& to,
                                        scheme::TransferFlags flags) {
    const auto handle = TRY(find(number));
    const std::uint64_t count =
        TRY(file_of(*handle)->read(to, nonblocking(flags), "StdioScheme::read", caller.waiter));
    // A terminal gives one line at a time and makes no new edge for the second.
    if (count > 0 && handle->watched.load()) watcher_.look_again(number);
    return count;
}

Result<std::uint64_t> StdioScheme::write(const Caller& caller, HandleNumber number, const mem::UserIn& from,
                                         scheme::TransferFlags flags) {
    const auto handle = TRY(find(number));
    return file_of(*handle)->write(from, nonblocking(flags), "StdioScheme::write", caller.waiter);
}

Result<std::uint64_t> StdioScheme::fevent(const Caller&, HandleNumber number, std::uint64_t flags) {
    const auto handle = TRY(find(number));
    handle->watched.store(flags != 0);
    return watcher_.watch(number, file_of(*handle), flags, HostWatcher::Initial::kReturn);
}

Result<std::uint64_t> StdioScheme::fpath(const Caller&, HandleNumber number, const mem::UserOut& to) {
    const auto handle = TRY(find(number));
    return to.write_common("/scheme/stdio/" + std::to_string(handle->index));
}

Result<void> StdioScheme::fstat(const Caller&, HandleNumber number, const mem::UserOut& to) {
    const auto handle = TRY(find(number));
    const HostFile::Status status = TRY(file_of(*handle)->status());
    return reply_stat(to, status.mode, status.size);
}

Result<void> StdioScheme::close(HandleNumber number) {
    const auto handle = TRY(handles_.remove(number));
    if (handle->watched.load()) watcher_.unwatch(number);
    return {};
}

}  // namespace halfcell::schemes
