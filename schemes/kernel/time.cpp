#include "schemes/kernel/time.h"

#include <string>

#include "schemes/common/wire.h"

namespace halfcell::schemes {

using scheme::Caller;
using scheme::OpenedHandle;
using scheme::OpenResult;

namespace {

// What Redox reports where its clock is the HPET (recording p4).
constexpr std::uint64_t kResolution = 10;

}  // namespace

TimeScheme::TimeScheme(const task::Clock& clock)
    : clock_(clock),
      timers_(clock, [this](HandleNumber number) { trigger(number, abi::EventFlags::kEventRead); }) {}

std::string_view TimeScheme::kind_name(Kind kind) {
    switch (kind) {
        case Kind::kGettime:
            return "gettime";
        case Kind::kGetres:
            return "getres";
        case Kind::kTimer:
            return "timer";
        case Kind::kDefault:
        case Kind::kRoot:
            break;
    }
    return "";
}

Result<OpenedHandle> TimeScheme::root() {
    return OpenedHandle{.number = handles_.add(std::make_shared<Handle>())};
}

Result<TimeScheme::Handle> TimeScheme::find_clock(HandleNumber number) const {
    const auto handle = TRY(handles_.find(number));
    if (handle->kind == Kind::kRoot) return fail(Errno::kEBADF);
    return *handle;
}

Result<OpenResult> TimeScheme::openat(const Caller&, HandleNumber base, std::string_view path, std::uint64_t,
                                      std::uint32_t) {
    if (TRY(handles_.find(base))->kind != Kind::kRoot) return fail(Errno::kEACCES);
    const std::string_view clock_text = path.substr(0, path.find('/'));
    std::string_view kind_text = path.substr(std::min(clock_text.size() + 1, path.size()));
    kind_text = kind_text.substr(0, kind_text.find('/'));
    const auto clock = parse_decimal(clock_text);
    if (clock != abi::Clock::kRealtime && clock != abi::Clock::kMonotonic) return fail(Errno::kENOENT);
    for (const Kind kind : {Kind::kDefault, Kind::kGettime, Kind::kGetres, Kind::kTimer}) {
        if (kind_text != kind_name(kind)) continue;
        return OpenedHandle{.number = handles_.add(std::make_shared<Handle>(Handle{kind, *clock}))};
    }
    return fail(Errno::kENOENT);
}

Result<std::uint64_t> TimeScheme::read(const Caller&, HandleNumber number, const mem::UserOut& to,
                                       scheme::TransferFlags) {
    const Handle handle = TRY(find_clock(number));
    const std::uint64_t units = to.size() / sizeof(abi::TimeSpec);
    for (std::uint64_t i = 0; i < units; ++i) {
        if (handle.kind == Kind::kTimer) return fail(Errno::kEINVAL);
        const std::uint64_t now = handle.kind == Kind::kGetres ? kResolution : TRY(clock_.read(handle.clock));
        abi::TimeSpec time{};
        time.tv_sec = static_cast<std::int64_t>(now / 1'000'000'000);
        time.tv_nsec = static_cast<std::int32_t>(now % 1'000'000'000);
        TRY(to.write(i * sizeof time, std::as_bytes(std::span(&time, 1))));
    }
    return units * sizeof(abi::TimeSpec);
}

Result<std::uint64_t> TimeScheme::write(const Caller&, HandleNumber number, const mem::UserIn& from,
                                        scheme::TransferFlags) {
    const Handle handle = TRY(find_clock(number));
    const std::uint64_t units = from.size() / sizeof(abi::TimeSpec);
    for (std::uint64_t i = 0; i < units; ++i) {
        abi::TimeSpec time;
        TRY(from.read(i * sizeof time, std::as_writable_bytes(std::span(&time, 1))));
        if (handle.kind == Kind::kGettime || handle.kind == Kind::kGetres) return fail(Errno::kEINVAL);
        TRY(timers_.arm(number, handle.clock, time));
    }
    return units * sizeof(abi::TimeSpec);
}

Result<std::uint64_t> TimeScheme::fevent(const Caller&, HandleNumber number, std::uint64_t) {
    TRY(handles_.find(number));
    return 0;
}

Result<std::uint64_t> TimeScheme::fpath(const Caller&, HandleNumber number, const mem::UserOut& to) {
    const Handle handle = TRY(find_clock(number));
    std::string path = "/scheme/time/" + std::to_string(handle.clock) + "/";
    path += kind_name(handle.kind);
    return to.write_common(path);
}

Result<void> TimeScheme::fsync(const Caller&, HandleNumber number) {
    TRY(handles_.find(number));
    return {};
}

Result<void> TimeScheme::close(HandleNumber number) {
    TRY(handles_.remove(number));
    timers_.forget(number);
    return {};
}

}  // namespace halfcell::schemes
