#include "kernel_shim/scheme/registry.h"

#include "abi/flags.h"
#include "kernel_shim/base/check.h"

namespace halfcell::scheme {

void SchemeRegistry::enter(State& state, SchemeId id, std::shared_ptr<Scheme> scheme) {
    scheme->id_ = id;
    scheme->events_ = &events_;
    scheme->registered_.store(true, std::memory_order_release);
    state.schemes.emplace(id, std::move(scheme));
}

void SchemeRegistry::add(SchemeId id, std::shared_ptr<Scheme> scheme) {
    state_.with([&](State& state) {
        HC_CHECK(!state.schemes.contains(id), "scheme id taken");
        enter(state, id, std::move(scheme));
    });
}

Result<SchemeId> SchemeRegistry::add(std::shared_ptr<Scheme> scheme) {
    constexpr std::uint32_t kIdCount = 65536;
    return state_.with([&](State& state) -> Result<SchemeId> {
        for (std::uint32_t tries = 0; tries < kIdCount; ++tries) {
            const SchemeId id = state.next;
            state.next = SchemeId{id.value() + 1 < kIdCount ? id.value() + 1 : 1};
            if (state.schemes.contains(id)) continue;
            enter(state, id, std::move(scheme));
            return id;
        }
        return fail(Errno::kEAGAIN);
    });
}

void SchemeRegistry::remove(SchemeId id) {
    // Destroyed outside the lock: a scheme may drop descriptions of others.
    std::shared_ptr<Scheme> removed;
    state_.with([&](State& state) {
        const auto node = state.schemes.extract(id);
        if (node.empty()) return;
        removed = node.mapped();
        removed->registered_.store(false, std::memory_order_release);
    });
    if (removed != nullptr) removed->unregistered();
}

SchemeRegistry::~SchemeRegistry() {
    for (const auto& scheme : all())
        remove(scheme->id());
}

Result<std::shared_ptr<Scheme>> SchemeRegistry::find(SchemeId id) const {
    return state_.with([&](const State& state) -> Result<std::shared_ptr<Scheme>> {
        const auto it = state.schemes.find(id);
        if (it == state.schemes.end()) return fail(Errno::kENODEV);
        return it->second;
    });
}

std::vector<std::shared_ptr<Scheme>> SchemeRegistry::all() const {
    return state_.with([](const State& state) {
        std::vector<std::shared_ptr<Scheme>> list;
        for (const auto& [id, scheme] : state.schemes)
            list.push_back(scheme);
        return list;
    });
}

Result<DescriptionRef> SchemeRegistry::open_root(SchemeId id) const {
    auto scheme = TRY(find(id));
    const OpenedHandle root = TRY(scheme->root());
    constexpr std::uint64_t kRootFlags = abi::OpenFlags::kCreat | abi::OpenFlags::kRdwr;
    return DescriptionRef::create({.scheme = std::move(scheme),
                                   .scheme_id = id,
                                   .number = root.number,
                                   .flags = static_cast<std::uint32_t>(kRootFlags),
                                   .positioned = root.positioned});
}

}  // namespace halfcell::scheme
