#include "schemes/kernel/proc/thread_handle.h"

#include <charconv>

#include "abi/flags.h"
#include "kernel_shim/base/utf8.h"
#include "schemes/kernel/proc/address_space_handle.h"
#include "schemes/kernel/proc/file_table_handle.h"
#include "schemes/kernel/proc/memory_handle.h"
#include "schemes/kernel/proc/proc_scheme.h"
#include "schemes/kernel/proc/register_handle.h"
#include "schemes/kernel/proc/setting_handles.h"
#include "schemes/kernel/proc/signal_handle.h"
#include "schemes/kernel/proc/status_handle.h"
#include "schemes/kernel/proc/switch_handles.h"
#include "schemes/kernel/proc/trace_handle.h"
#include "schemes/kernel/proc/word_reader.h"

namespace halfcell::schemes::proc {

namespace {

// Rust's usize::from_str: an optional '+', then digits only.
Result<std::uint64_t> parse_decimal(std::string_view text) {
    if (text.starts_with('+')) text.remove_prefix(1);
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return fail(Errno::kENOENT);
    return value;
}

}  // namespace

Result<scheme::OpenResult> AuthorityHandle::dup(const scheme::Caller& caller, std::string_view name) {
    if (!is_utf8(name)) return fail(Errno::kEINVAL);
    if (name == "new-context") {
        const auto made = TRY(scheme_.make_context());
        if (const auto maker = scheme_.context_of(caller)) task::announce_child(**maker, made.context, 0);
        return scheme::OpenedHandle{made.number};
    }
    if (name == "cur-context")
        return scheme::OpenedHandle{scheme_.open_thread(TRY(scheme_.context_of(caller)))};
    return fail(Errno::kENOENT);
}

Result<scheme::OpenResult> ThreadHandle::dup(const scheme::Caller& caller, std::string_view name) {
    const auto open = [this](std::shared_ptr<Handle> handle, bool positioned = false) {
        return scheme::OpenResult{scheme_.add(std::move(handle), positioned)};
    };
    const auto space = [this]() -> Result<std::shared_ptr<mem::AddressSpace>> {
        auto current = target_.context->address_space();
        if (current == nullptr) return fail(Errno::kENOENT);
        return current;
    };
    if (!is_utf8(name)) return fail(Errno::kEINVAL);

    if (name == "addrspace") return open(std::make_shared<AddressSpaceHandle>(scheme_, TRY(space())), true);
    if (name == "mmap-min-addr") return open(std::make_shared<MmapMinAddrHandle>(TRY(space())));
    if (name == "filetable" || name == "filetable-binary") {
        const auto format = name == "filetable" ? FileTableFormat::kText : FileTableFormat::kBinary;
        return open(std::make_shared<FileTableHandle>(scheme_, target_.context->files(), format), true);
    }
    if (name == "current-addrspace")
        return open(std::make_shared<CurrentAddressSpaceHandle>(scheme_, target_));
    if (name == "current-filetable") return open(std::make_shared<CurrentFileTableHandle>(scheme_, target_));
    if (name == "regs/int") return open(std::make_shared<IntRegisterHandle>(target_));
    if (name == "regs/float") return open(std::make_shared<FloatRegisterHandle>(target_));
    if (name == "regs/env") return open(std::make_shared<EnvRegisterHandle>(target_));
    if (name == "sighandler") return open(std::make_shared<SignalHandle>(scheme_, target_));
    if (name == "start") return open(std::make_shared<StartHandle>(scheme_, target_));
    if (name == "open_via_dup") return open(std::make_shared<ThreadHandle>(scheme_, target_));
    if (name == "sched-affinity") return open(std::make_shared<AffinityHandle>(target_), true);
    if (name == "status") return open(std::make_shared<StatusHandle>(scheme_, target_, Privilege::kNone));
    if (name == "mem") return open(std::make_shared<MemoryHandle>(TRY(space())), true);
    if (name.starts_with("trace")) return open_trace(caller, name.substr(5));
    if (name.starts_with("auth-")) return open_with_authority(caller, name.substr(5));
    return fail(Errno::kEINVAL);
}

Result<scheme::OpenResult> ThreadHandle::open_trace(const scheme::Caller& caller, std::string_view options) {
    constexpr std::string_view kExclusive = "-excl";
    constexpr std::string_view kStopped = "-trunc";
    const auto take = [&options](std::string_view option) {
        const bool given = options.starts_with(option);
        if (given) options.remove_prefix(option.size());
        return given;
    };
    TraceOrder order;
    order.exclusive = take(kExclusive);
    order.stop = take(kStopped);
    if (!options.empty()) return fail(Errno::kEINVAL);
    // Whoever stops itself has nobody left to let it go on.
    if (target_.context->id() == caller.context) return fail(Errno::kEPERM);
    order.contexts = {target_.context};
    order.kill = [&scheme = scheme_, context = target_.context] {
        scheme.kernel().workers.kill(context, true);
    };
    return scheme::OpenedHandle{TRY(scheme_.open_trace(std::move(order)))};
}

// "<fd>-attrs", "<fd>-status": the number names an Authority handle in the caller's own table.
Result<scheme::OpenResult> ThreadHandle::open_with_authority(const scheme::Caller& caller,
                                                             std::string_view name) {
    const std::size_t dash = name.find('-');
    if (dash == std::string_view::npos) return fail(Errno::kENOENT);
    const std::uint64_t fd = TRY(parse_decimal(name.substr(0, dash)));
    const std::string_view what = name.substr(dash + 1);
    std::shared_ptr<Handle> opened;
    if (what == "attrs")
        opened = std::make_shared<AttributeHandle>(target_);
    else if (what == "status")
        opened = std::make_shared<StatusHandle>(scheme_, target_, Privilege::kStopAndUnstop);
    else
        return fail(Errno::kENOENT);
    const auto authority = TRY(scheme_.handle_of_fd(caller, fd));
    if (dynamic_cast<const AuthorityHandle*>(authority.get()) == nullptr) return fail(Errno::kENOENT);
    return scheme_.add(std::move(opened), false);
}

Result<std::uint64_t> ThreadHandle::write(const scheme::Caller& caller, const mem::UserIn& from) {
    WordReader words(from);
    abi::ContextVerb verb{};
    if (!abi::try_from_raw(TRY(words.next()), verb)) return fail(Errno::kEINVAL);
    if (verb != abi::ContextVerb::kForceKill) return fail(Errno::kEINVAL);
    if (target_.context->id() != caller.context) return fail(Errno::kEPERM);
    return end_caller(*target_.context, words);
}

Result<std::uint64_t> ThreadHandle::call(const scheme::Caller& caller,
                                         std::span<const std::uint64_t> metadata) {
    abi::ProcSchemeVerb verb{};
    if (metadata.empty() || !abi::try_from_raw(metadata.front(), verb)) return fail(Errno::kEINVAL);
    switch (verb) {
        case abi::ProcSchemeVerb::kIopl:
            TRY(scheme_.context_of(caller))->grant_port_io();
            break;
    }
    return 0;
}

}  // namespace halfcell::schemes::proc
