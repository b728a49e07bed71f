#include "schemes/kernel/proc/status_handle.h"

#include "abi/data.h"
#include "abi/flags.h"
#include "kernel_shim/mem/map_request.h"
#include "schemes/kernel/proc/proc_scheme.h"

namespace halfcell::schemes::proc {

Result<std::uint64_t> StatusHandle::read(const scheme::Caller&, const mem::UserOut& to, std::uint64_t) {
    const auto [status, exception] = target_.context->status();
    const auto word = static_cast<std::uint64_t>(status);
    const auto word_bytes = std::as_bytes(std::span(&word, 1));
    if (status != abi::ContextStatus::kUnhandledExcp) return to.write_common(word_bytes);
    if (to.size() < sizeof word) return fail(Errno::kEINVAL);
    TRY(to.write(0, word_bytes));
    const mem::UserOut payload = to.part(sizeof word, sizeof exception);
    return sizeof word + TRY(payload.write_common(std::as_bytes(std::span(&exception, 1))));
}

Result<std::uint64_t> StatusHandle::write(const scheme::Caller& caller, const mem::UserIn& from) {
    WordReader words(from);
    abi::ContextVerb verb{};
    if (!abi::try_from_raw(TRY(words.next()), verb)) return fail(Errno::kEINVAL);
    if (verb == abi::ContextVerb::kForceKill && target_.context->id() == caller.context)
        return end_caller(*target_.context, words);
    TRY(obey(caller, verb));
    return sizeof(std::uint64_t);
}

Result<void> StatusHandle::obey(const scheme::Caller& caller, abi::ContextVerb verb) {
    task::Context& context = *target_.context;
    task::Workers& workers = scheme_.kernel().workers;
    switch (verb) {
        case abi::ContextVerb::kStop:
            if (privilege_ == Privilege::kNone) return fail(Errno::kEPERM);
            TRY(context.stop());
            // Upstream's other contexts do not run meanwhile; here they would, for some microseconds. One
            // that sleeps in a call cannot be waited for, and need not be.
            if (context.id() != caller.context)
                (void)context.inspect(caller.waiter, [](const task::ParkedThread&) {});
            return {};
        case abi::ContextVerb::kUnstop:
            if (privilege_ == Privilege::kNone) return fail(Errno::kEPERM);
            if (context.unstop()) return workers.start(target_.context);
            return {};
        case abi::ContextVerb::kInterrupt:
            // A process manager sets the bits, then interrupts. Upstream looks at a context that runs at its
            // next timer tick, without being asked; here there is none.
            if (context.signal_pending())
                context.signal_raised();
            else
                context.interrupt();
            return {};
        case abi::ContextVerb::kForceKill:
            workers.kill(target_.context, true);
            return {};
    }
    return fail(Errno::kEINVAL);
}

Result<std::uint64_t> StartHandle::write(const scheme::Caller&, const mem::UserIn& from) {
    TRY(target_.context->mark_started());
    TRY(scheme_.kernel().workers.start(target_.context));
    return from.size();
}

Result<std::uint64_t> end_caller(task::Context& context, WordReader& words) {
    if (!words.at_end()) {
        const std::uint64_t base = TRY(words.next());
        const std::uint64_t size = TRY(words.next());
        if (size > 0) {
            const auto space = context.address_space();
            if (space == nullptr) return fail(Errno::kESRCH);
            const mem::PageRange range = TRY(mem::validate_range(base, size, mem::RangeRule::kSpan));
            TRY(space->unmap(range));
        }
    }
    context.kill(false);
    return sizeof(std::uint64_t);
}

}  // namespace halfcell::schemes::proc
