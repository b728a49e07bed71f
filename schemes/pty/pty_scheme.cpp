#include "schemes/pty/pty_scheme.h"

#include "abi/flags.h"
#include "schemes/common/wire.h"

namespace halfcell::schemes {

using scheme::Caller;
using scheme::OpenedHandle;
using scheme::OpenResult;

namespace {

std::string_view without_outer_slashes(std::string_view path) {
    path = without_leading_slashes(path);
    while (path.ends_with('/'))
        path.remove_suffix(1);
    return path;
}

}  // namespace

PtyScheme::PtyScheme(const task::Clock& clock, SignalGroup signal_group)
    : clock_(clock), signal_group_(std::move(signal_group)), timers_(clock, [this](HandleNumber terminal) {
          if (const auto handle = handles_.find(terminal)) (*handle)->terminal->due();
      }) {}

HandleNumber PtyScheme::add_master(std::uint64_t flags) {
    TerminalHost& host = *this;
    return handles_.add_numbered([&](HandleNumber number) {
        return std::make_shared<PtyHandle>(Kind::kMaster, std::make_shared<Terminal>(host, number), flags);
    });
}

HandleNumber PtyScheme::add_other(Kind kind, std::shared_ptr<Terminal> terminal, std::uint64_t flags) {
    terminal->slave_opened();
    return handles_.add(std::make_shared<PtyHandle>(kind, std::move(terminal), flags));
}

PtyScheme::Hosted PtyScheme::host_terminal() {
    const auto flags = static_cast<std::uint32_t>(abi::OpenFlags::kRdwr);
    const HandleNumber master = add_master(flags);
    std::shared_ptr<Terminal> terminal = (*handles_.find(master))->terminal;
    const HandleNumber slave = add_other(Kind::kSlave, terminal, flags);
    auto description = scheme::DescriptionRef::create(
        {.scheme = shared_from_this(), .scheme_id = id(), .number = slave, .flags = flags});
    return {std::move(terminal), std::move(description)};
}

void PtyScheme::close_terminal(const Terminal& terminal) {
    (void)close(terminal.number());
}

Result<OpenResult> PtyScheme::open(const Caller&, std::string_view path, std::uint64_t flags) {
    path = without_outer_slashes(path);
    if (path.empty()) return OpenedHandle{.number = add_master(flags)};
    const auto number = parse_decimal(path);
    if (!number) return fail(Errno::kEINVAL);
    const auto handle = handles_.find(HandleNumber{*number});
    if (!handle) return fail(Errno::kENOENT);
    return OpenedHandle{.number = add_other(Kind::kSlave, (*handle)->terminal, flags)};
}

Result<OpenResult> PtyScheme::dup(const Caller&, HandleNumber number, const mem::UserIn& name) {
    const auto handle = TRY(handles_.find(number));
    const std::string wanted = TRY(dup_name(name));
    const auto add = [&](Kind kind) {
        return OpenedHandle{.number = add_other(kind, handle->terminal, handle->flags.get())};
    };
    if (wanted == "pgrp") return add(Kind::kGroup);
    if (wanted == "termios") return add(Kind::kTermios);
    if (wanted == "winsize") return add(Kind::kWinsize);
    return fail(Errno::kEINVAL);
}

Terminal::Transfer PtyScheme::transfer(const Caller& caller, HandleNumber number, const PtyHandle& handle,
                                       scheme::TransferFlags flags) {
    return {.handle = number, .nonblocking = handle.flags.nonblocking(flags.call), .waiter = caller.waiter};
}

Result<std::uint64_t> PtyScheme::read(const Caller& caller, HandleNumber number, const mem::UserOut& to,
                                      scheme::TransferFlags flags) {
    const auto handle = TRY(handles_.find(number));
    Terminal& terminal = *handle->terminal;
    switch (handle->kind) {
        case Kind::kMaster:
            return terminal.read_output(to, transfer(caller, number, *handle, flags));
        case Kind::kSlave:
            return terminal.read_input(to, transfer(caller, number, *handle, flags));
        case Kind::kTermios:
            return terminal.read_termios(to);
        case Kind::kWinsize:
            return terminal.read_winsize(to);
        case Kind::kGroup:
            break;
    }
    return terminal.read_group(to);
}

Result<std::uint64_t> PtyScheme::write(const Caller& caller, HandleNumber number, const mem::UserIn& from,
                                       scheme::TransferFlags flags) {
    const auto handle = TRY(handles_.find(number));
    Terminal& terminal = *handle->terminal;
    switch (handle->kind) {
        case Kind::kMaster:
            return terminal.write_input(from, transfer(caller, number, *handle, flags));
        case Kind::kSlave:
            return terminal.write_output(from, transfer(caller, number, *handle, flags));
        case Kind::kTermios:
            return terminal.write_termios(from);
        case Kind::kWinsize:
            return terminal.write_winsize(from);
        case Kind::kGroup:
            break;
    }
    return terminal.write_group(from);
}

Result<std::uint64_t> PtyScheme::fevent(const Caller&, HandleNumber number, std::uint64_t) {
    const auto handle = TRY(handles_.find(number));
    if (handle->kind == Kind::kMaster) return handle->terminal->watch(number, Side::kMaster);
    if (handle->kind == Kind::kSlave) return handle->terminal->watch(number, Side::kSlave);
    return fail(Errno::kEBADF);
}

Result<std::uint64_t> PtyScheme::fpath(const Caller&, HandleNumber number, const mem::UserOut& to) {
    const auto handle = TRY(handles_.find(number));
    if (handle->kind != Kind::kMaster && handle->terminal->hung_up()) return fail(Errno::kEPIPE);
    return to.write_common(handle->terminal->path());
}

Result<void> PtyScheme::fstat(const Caller&, HandleNumber number, const mem::UserOut& to) {
    TRY(handles_.find(number));
    return reply_stat(to, abi::Mode::kChr | 0666);
}

Result<void> PtyScheme::fsync(const Caller&, HandleNumber number) {
    const auto handle = TRY(handles_.find(number));
    if (handle->kind != Kind::kSlave) return {};
    return handle->terminal->sync();
}

void PtyScheme::closed(HandleNumber number, const std::shared_ptr<PtyHandle>& handle) {
    handle->terminal->forget(number);
    if (handle->kind != Kind::kMaster) {
        handle->terminal->slave_closed();
        return;
    }
    timers_.forget(number);
    handle->terminal->hang_up();
}

void PtyScheme::wake_at(HandleNumber terminal, LineDiscipline::Time when) {
    // Where no timer can be had, a timed read waits for a key.
    (void)timers_.arm(terminal, abi::Clock::kMonotonic, task::Clock::to_time_spec(when));
}

}  // namespace halfcell::schemes
