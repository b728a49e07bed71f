#include "kernel_shim/task/context_table.h"

namespace halfcell::task {

Result<std::shared_ptr<Context>> ContextTable::create(std::shared_ptr<mem::AddressSpace> space,
                                                      std::shared_ptr<fd::FdTable> files) {
    return state_.with([&](State& state) -> Result<std::shared_ptr<Context>> {
        if (state.contexts.size() >= state.limit) return fail(Errno::kEAGAIN);
        const ContextId id{state.next++};
        auto context = std::make_shared<Context>(id, std::move(space), std::move(files));
        state.contexts.emplace(id, context);
        return context;
    });
}

Result<std::shared_ptr<Context>> ContextTable::find(ContextId id) const {
    return state_.with([&](const State& state) -> Result<std::shared_ptr<Context>> {
        const auto it = state.contexts.find(id);
        if (it == state.contexts.end()) return fail(Errno::kESRCH);
        return it->second;
    });
}

void ContextTable::remove(ContextId id) {
    std::shared_ptr<Context> removed;  // destroyed outside the lock: it may drop descriptions
    state_.with([&](State& state) {
        const auto node = state.contexts.extract(id);
        if (!node.empty()) removed = node.mapped();
    });
}

std::vector<std::shared_ptr<Context>> ContextTable::all() const {
    return state_.with([](const State& state) {
        std::vector<std::shared_ptr<Context>> list;
        list.reserve(state.contexts.size());
        for (const auto& [id, context] : state.contexts)
            list.push_back(context);
        return list;
    });
}

std::uint64_t ContextTable::created() const {
    return state_.with([](const State& state) { return state.next - 1; });
}

void ContextTable::set_limit(std::uint64_t limit) {
    state_.with([&](State& state) { state.limit = limit; });
}

std::uint64_t ContextTable::limit() const {
    return state_.with([](const State& state) { return state.limit; });
}

}  // namespace halfcell::task
