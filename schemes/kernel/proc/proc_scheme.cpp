#include "schemes/kernel/proc/proc_scheme.h"

#include "abi/flags.h"
#include "schemes/kernel/proc/thread_handle.h"

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
                                          scheme::TransferFlags) {
    const auto handle = TRY(handles_.find(number));
    return handle->read(caller, to, offset);
}

Result<std::uint64_t> ProcScheme::write_at(const scheme::Caller& caller, HandleNumber number,
                                           const mem::UserIn& from, std::uint64_t, scheme::TransferFlags) {
    const auto handle = TRY(handles_.find(number));
    return handle->write(caller, from);
}

Result<std::uint64_t> ProcScheme::fsize(const scheme::Caller&, HandleNumber number) {
    const auto handle = TRY(handles_.find(number));
    return handle->size();
}

Result<std::uint64_t> ProcScheme::fevent(const scheme::Caller&, HandleNumber number, std::uint64_t) {
    TRY(handles_.find(number));
    return abi::EventFlags::kEventNone;
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
