#include "schemes/kernel/debug.h"

#include <algorithm>
#include <array>

#include "abi/flags.h"

namespace halfcell::schemes {

using scheme::Caller;
using scheme::OpenedHandle;
using scheme::OpenResult;

namespace {

constexpr const char* kReadReason = "DebugScheme::read";

}  // namespace

DebugScheme::DebugScheme(ConsoleSink& console, std::shared_ptr<KernelLog> log)
    : console_(console),
      log_(std::move(log)),
      watcher_([this](HandleNumber number, std::uint64_t flags) { trigger(number, flags); }) {}

Result<OpenedHandle> DebugScheme::root() {
    return OpenedHandle{.number = handles_.add(std::make_shared<Kind>(Kind::kRoot))};
}

Result<DebugScheme::Kind> DebugScheme::kind(HandleNumber number) const {
    return *TRY(handles_.find(number));
}

Result<OpenResult> DebugScheme::openat(const Caller& caller, HandleNumber base, std::string_view path,
                                       std::uint64_t, std::uint32_t) {
    if (TRY(kind(base)) != Kind::kRoot) return fail(Errno::kEACCES);
    if (caller.uid != 0) return fail(Errno::kEPERM);
    Kind opened = Kind::kConsole;
    if (path == "no-preserve")
        opened = Kind::kNoPreserve;
    else if (path == "disable-graphical-debug")
        opened = Kind::kDisableGraphical;
    else if (!path.empty())
        return fail(Errno::kENOENT);
    return OpenedHandle{.number = handles_.add(std::make_shared<Kind>(opened))};
}

Result<std::uint64_t> DebugScheme::read(const Caller& caller, HandleNumber number, const mem::UserOut& to,
                                        scheme::TransferFlags flags) {
    if (!prints(TRY(kind(number)))) return fail(Errno::kEBADF);
    const bool nonblocking = (flags.call & abi::OpenFlags::kNonblock) != 0;
    const std::shared_ptr<HostFile> input = console_.input();
    if (input == nullptr)
        return no_input_.receive(to, nonblocking ? scheme::Wait::kNo : scheme::Wait::kYes, kReadReason,
                                 caller.waiter);
    const std::uint64_t count = TRY(input->read(to, nonblocking, kReadReason, caller.waiter));
    if (count > 0) watcher_.look_again(number);
    return count;
}

Result<std::uint64_t> DebugScheme::write(const Caller& caller, HandleNumber number, const mem::UserIn& from,
                                         scheme::TransferFlags) {
    const Kind handle = TRY(kind(number));
    if (handle == Kind::kDisableGraphical) return 0;
    if (handle == Kind::kRoot) return fail(Errno::kEINVAL);
    // Upstream's portion: what comes before a bad page is printed.
    std::array<char, 512> part;
    for (std::uint64_t done = 0; done < from.size(); done += part.size()) {
        const std::uint64_t size = std::min<std::uint64_t>(part.size(), from.size() - done);
        TRY(from.read(done, std::as_writable_bytes(std::span(part)).first(size)));
        const std::string_view text(part.data(), size);
        if (handle == Kind::kConsole) log_->append(text);
        console_.write(text, &caller.waiter);
    }
    return from.size();
}

Result<std::uint64_t> DebugScheme::fevent(const Caller&, HandleNumber number, std::uint64_t flags) {
    const Kind handle = TRY(kind(number));
    const std::shared_ptr<HostFile> input = console_.input();
    if (input != nullptr && prints(handle))
        watcher_.watch(number, input, flags & abi::EventFlags::kEventRead, HostWatcher::Initial::kReport);
    return 0;
}

Result<std::uint64_t> DebugScheme::fpath(const Caller&, HandleNumber number, const mem::UserOut& to) {
    if (!prints(TRY(kind(number)))) return fail(Errno::kEINVAL);
    return to.write_common("debug:");
}

Result<void> DebugScheme::fsync(const Caller&, HandleNumber number) {
    TRY(kind(number));
    return {};
}

Result<void> DebugScheme::close(HandleNumber number) {
    TRY(handles_.remove(number));
    watcher_.unwatch(number);
    return {};
}

}  // namespace halfcell::schemes
