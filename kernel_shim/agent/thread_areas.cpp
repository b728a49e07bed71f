#include "kernel_shim/agent/thread_areas.h"

#include <optional>

namespace halfcell::agent {

ThreadAreas::~ThreadAreas() {
    const auto slots = books_.with([](Books& books) { return std::move(books.slots); });
    for (const std::uint32_t slot : slots)
        file_->give(slot);
}

Result<ThreadAreas::Place> ThreadAreas::take() {
    const auto free = books_.with([](Books& books) -> std::optional<FreePlace> {
        if (books.free.empty()) return std::nullopt;
        const FreePlace last = books.free.back();
        books.free.pop_back();
        return last;
    });
    if (free) return place(*free);
    const std::uint32_t slot = TRY(file_->take());
    const auto index = books_.with([&](Books& books) -> std::optional<std::size_t> {
        if (books.slots.size() == kMostThreads) return std::nullopt;
        books.slots.push_back(slot);
        return books.slots.size() - 1;
    });
    if (index) return place({*index, false});
    file_->give(slot);
    return fail(Errno::kEAGAIN);
}

void ThreadAreas::give(std::size_t index, bool mapped) {
    books_.with([&](Books& books) { books.free.push_back({index, mapped}); });
}

ThreadAreas::Place ThreadAreas::place(FreePlace chosen) {
    const std::uint32_t slot = books_.with([&](Books& books) { return books.slots[chosen.index]; });
    return {.index = chosen.index,
            .area = {HC_THREAD_AREAS + chosen.index * kThreadAreaStride, file_->at(slot)},
            .file_offset = file_->offset(slot),
            .mapped = chosen.mapped};
}

}  // namespace halfcell::agent
