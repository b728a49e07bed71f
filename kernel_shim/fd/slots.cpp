#include "kernel_shim/fd/slots.h"

#include <algorithm>

namespace halfcell::fd {

std::size_t Slots::lowest_free(std::size_t from) const {
    std::size_t index = std::max(from, first_free_);
    while (index < slots_.size() && slots_[index])
        ++index;
    return index;
}

std::size_t Slots::lowest_free_run(std::size_t count) const {
    std::size_t start = lowest_free(0);
    for (std::size_t index = start; index < slots_.size() && index - start < count; ++index)
        if (slots_[index]) start = index + 1;
    return start;
}

void Slots::put(std::size_t index, Descriptor descriptor) {
    if (index >= slots_.size()) slots_.resize(index + 1);
    slots_[index] = std::move(descriptor);
    if (index == first_free_) first_free_ = lowest_free(index + 1);
}

std::optional<Descriptor> Slots::take(std::uint64_t index) {
    if (index >= slots_.size()) return std::nullopt;
    auto taken = std::exchange(slots_[index], std::nullopt);
    if (taken) first_free_ = std::min<std::size_t>(first_free_, index);
    return taken;
}

}  // namespace halfcell::fd
