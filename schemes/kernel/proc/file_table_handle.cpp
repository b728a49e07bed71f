#include "schemes/kernel/proc/file_table_handle.h"

#include <utility>

#include "schemes/kernel/proc/proc_scheme.h"
#include "schemes/kernel/proc/switch_handles.h"

namespace halfcell::schemes::proc {

namespace {

// A current-filetable handle that chooses a copy with itself in it would keep itself open for ever, and with
// it everything else in the copy.
void leave_out_selections(const ProcScheme& scheme, fd::FdTable& copy) {
    for (const auto& [number, descriptor] : copy.snapshot()) {
        const auto handle = scheme.handle_of(descriptor.description);
        if (handle && dynamic_cast<const CurrentFileTableHandle*>(handle->get()) != nullptr)
            (void)copy.remove(number);
    }
}

}  // namespace

std::string FileTableListing::text() const {
    std::string text;
    for (const std::uint64_t number : numbers) {
        if (format == FileTableFormat::kText)
            text += std::to_string(number) + '\n';
        else
            text.append(reinterpret_cast<const char*>(&number), sizeof number);
    }
    return text;
}

FileTableHandle::FileTableHandle(ProcScheme& scheme, const std::shared_ptr<fd::FdTable>& table,
                                 FileTableFormat format)
    : scheme_(scheme), listing_{table->numbers(), format}, state_(std::in_place, State{table, nullptr}) {}

FileTableHandle::FileTableHandle(ProcScheme& scheme, std::shared_ptr<fd::FdTable> copy,
                                 FileTableListing listing)
    : scheme_(scheme), listing_(std::move(listing)), state_(std::in_place, State{copy, std::move(copy)}) {}

Result<std::uint64_t> FileTableHandle::read(const scheme::Caller&, const mem::UserOut& to,
                                            std::uint64_t offset) {
    const bool unused = state_.with([](const State& state) { return state.unused_copy != nullptr; });
    if (unused) return fail(Errno::kEBADF);
    const std::string text = listing_.text();
    if (offset >= text.size()) return 0;
    return to.write_common(std::string_view(text).substr(offset));
}

Result<scheme::OpenResult> FileTableHandle::dup(const scheme::Caller&, std::string_view name) {
    if (name != "copy") return fail(Errno::kEINVAL);
    std::shared_ptr<fd::FdTable> table;
    TRY(state_.with([&](const State& state) -> Result<void> {
        if (state.unused_copy != nullptr) return fail(Errno::kEINVAL);
        table = state.table.lock();
        return {};
    }));
    if (table == nullptr) return fail(Errno::kEOWNERDEAD);
    auto copy = table->clone();
    leave_out_selections(scheme_, *copy);
    return scheme_.add(std::make_shared<FileTableHandle>(scheme_, std::move(copy), listing_), true);
}

Result<std::shared_ptr<fd::FdTable>> FileTableHandle::choose() {
    auto table = state_.with([](State& state) {
        auto chosen = state.table.lock();
        state.unused_copy.reset();  // `chosen` keeps it
        return chosen;
    });
    if (table == nullptr) return fail(Errno::kEOWNERDEAD);
    return table;
}

}  // namespace halfcell::schemes::proc
