#include "schemes/kernel/proc/proc_scheme.h"

#include <atomic>

#include "abi/flags.h"
#include "schemes/kernel/proc/thread_handle.h"
#include "schemes/kernel/proc/trace_handle.h"

namespace halfcell::schemes::proc {

Result<ProcScheme::NewContext> ProcScheme::make_context() {
    auto context = TRY(kernel_.contexts.create(mem::AddressSpace::create(kernel_.pool, kernel_.machines),
                                               std::make_shared<fd::FdTable>()));
    const Target target{context, std::make_shared<Anchor>(kernel_.workers, context)};
    const HandleNumber number = handles_.add(std::make_shared<ThreadHandle>(*this, target));
    context->on_death([scheme = weak_from_this(), number](task::Context&) {
        if (const auto self = scheme.lock()) self->trigger(number, abi::EventFlags::kEventRead);
    });
    return NewContext{std::move(context), number};
}

HandleNumber ProcScheme::open_thread(std::shared_ptr<task::Context> context) {
    return handles_.add(std::make_shared<ThreadHandle>(*this, Target{std::move(context), nullptr}));
}

Result<HandleNumber> ProcScheme::open_trace(TraceOrder order) {
    // The handle gets its number after the first events may have come, of which nobody can have asked to
    // hear.
    const auto number = std::make_shared<std::atomic<std::uint64_t>>(0);
    const auto told = order.on_event;
    auto session = task::TraceSession::create(
        {.follow = order.follow,
         .on_event = [weak = weak_from_this(), number, told](const task::TraceEvent& event) {
             if (told) told(event);
             const HandleNumber handle{number->load()};
             const auto self = weak.lock();
             if (self != nullptr && handle.value() != 0) self->trigger(handle, abi::EventFlags::kEventRead);
         }});
    bool any = false;
    for (const auto& context : order.contexts) {
        const Result<void> attached = session->attach(context, order.stop);
        if (!attached && attached.error() != Errno::kESRCH) return fail(attached.error());
        any = any || attached;
    }
    if (!any) return fail(Errno::kESRCH);
    order.contexts.clear();
    const HandleNumber added = handles_.add(std::make_shared<TraceHandle>(session, std::move(order)));
    number->store(added.value());
    return added;
}

scheme::OpenedHandle ProcScheme::add(std::shared_ptr<Handle> handle, bool positioned) {
    return {handles_.add(std::move(handle)), positioned};
}

Result<scheme::DescriptionRef> ProcScheme::description_of_fd(const scheme::Caller& caller,
                                                             std::uint64_t fd) const {
    const auto context = TRY(context_of(caller));
    return context->files()->find(FdNumber{fd});
}

Result<std::shared_ptr<Handle>> ProcScheme::handle_of_fd(const scheme::Caller& caller,
                                                         std::uint64_t fd) const {
    const scheme::DescriptionRef description = TRY(description_of_fd(caller, fd));
    return handle_of(description);
}

Result<std::shared_ptr<Handle>> ProcScheme::handle_of(const scheme::DescriptionRef& description) const {
    const scheme::Scheme* const scheme = TRY(description->scheme());
    if (scheme != this) return fail(Errno::kEBADF);
    return handles_.find(description->number());
}

Result<std::shared_ptr<task::Context>> ProcScheme::context_of(const scheme::Caller& caller) const {
    return kernel_.contexts.find(caller.context);
}

Result<scheme::OpenedHandle> ProcScheme::root() {
    return add(std::make_shared<AuthorityHandle>(*this), false);
}

Result<scheme::OpenResult> ProcScheme::dup(const scheme::Caller& caller, HandleNumber number,
                                           const mem::UserIn& name) {
    const auto handle = TRY(handles_.find(number));
    if (name.size() > kMaxNameLength) return fail(Errno::kEINVAL);
    return handle->dup(caller, TRY(name.read_string(kMaxNameLength)));
}

Result<std::uint64_t> ProcScheme::read_at(const scheme::Caller& caller, HandleNumber number,
                                          const mem::UserOut& to, std::uint64_t offset,
                                          scheme::TransferFlags flags) {
    const auto handle = TRY(handles_.find(number));
    return handle->read_with(caller, to, offset, flags);
}

Result<std::uint64_t> ProcScheme::write_at(const scheme::Caller& caller, HandleNumber number,
                                           const mem::UserIn& from, std::uint64_t offset,
                                           scheme::TransferFlags) {
    const auto handle = TRY(handles_.find(number));
    return handle->write_at(caller, from, offset);
}

Result<std::uint64_t> ProcScheme::fsize(const scheme::Caller&, HandleNumber number) {
    const auto handle = TRY(handles_.find(number));
    return handle->size();
}

Result<std::uint64_t> ProcScheme::fevent(const scheme::Caller&, HandleNumber number, std::uint64_t) {
    const auto handle = TRY(handles_.find(number));
    return handle->ready();
}

Result<std::uint64_t> ProcScheme::fpath(const scheme::Caller&, HandleNumber, const mem::UserOut& to) {
    return to.write_common("/scheme/kernel.proc/");
}

Result<void> ProcScheme::fstat(const scheme::Caller&, HandleNumber number, const mem::UserOut& to) {
    const auto handle = TRY(handles_.find(number));
    abi::Stat stat{};
    stat.st_mode = abi::Mode::kFile | 0666;
    stat.st_size = handle->size();
    return to.write_exact(stat);
}

Result<std::uint64_t> ProcScheme::fmap(const scheme::Caller& caller, HandleNumber number,
                                       const scheme::DescriptionRef&, mem::AddressSpace& target,
                                       const abi::Map& map, bool consume) {
    const auto handle = TRY(handles_.find(number));
    return handle->fmap(caller, target, map, consume);
}

Result<std::uint64_t> ProcScheme::call(const scheme::Caller& caller, HandleNumber number,
                                       const mem::UserInOut&, std::uint64_t,
                                       std::span<const std::uint64_t> metadata) {
    const auto handle = TRY(handles_.find(number));
    return handle->call(caller, metadata);
}

Result<void> ProcScheme::close(HandleNumber number) {
    const auto handle = TRY(handles_.remove(number));
    return handle->closed();
}

void ProcScheme::unregistered() {
    // A copied file table that no context has taken may hold the very handle it belongs to.
    handles_.clear();
}

}  // namespace halfcell::schemes::proc
