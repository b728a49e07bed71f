#include "kernel_shim/fd/fd_table.h"

#include "kernel_shim/base/check.h"
#include "kernel_shim/scheme/scheme.h"

namespace halfcell::fd {

namespace {

constexpr std::uint64_t kTag = abi::kUpperFdtblTag;

// Which numbers of a list were seen. Only for indices that passed the limit check.
class SeenNumbers {
  public:
    // A list of one cannot repeat itself.
    explicit SeenNumbers(std::size_t list_size) : seen_(list_size > 1 ? 2 * kMaxDescriptors : 0) {}

    // True when `fd` is new.
    bool insert(std::uint64_t fd) {
        if (seen_.empty()) return true;
        auto bit = seen_[index_of(fd) + (is_upper(fd) ? kMaxDescriptors : 0)];
        if (bit) return false;
        bit = true;
        return true;
    }

  private:
    std::vector<bool> seen_;
};

}  // namespace

FdNumber FdTable::State::put(std::size_t index, std::uint64_t tag, Descriptor& descriptor) {
    half(tag).put(index, std::move(descriptor));
    ++count;
    return FdNumber{index | tag};
}

Result<void> FdTable::State::check_open(std::span<const std::uint64_t> fds) const {
    SeenNumbers seen(fds.size());
    for (const std::uint64_t fd : fds) {
        if (index_of(fd) >= kMaxDescriptors) return fail(Errno::kEMFILE);
        if (!seen.insert(fd)) return fail(Errno::kEBADF);
        if (half(fd).find(index_of(fd)) == nullptr) return fail(Errno::kEBADF);
    }
    return {};
}

Result<scheme::DescriptionRef> FdTable::find(FdNumber fd) const {
    return state_.with([&](const State& state) -> Result<scheme::DescriptionRef> {
        const Descriptor* const found = state.half(fd.value()).find(index_of(fd.value()));
        if (found == nullptr) return fail(Errno::kEBADF);
        return found->description;
    });
}

Result<Descriptor> FdTable::find_descriptor(FdNumber fd) const {
    return state_.with([&](const State& state) -> Result<Descriptor> {
        const Descriptor* const found = state.half(fd.value()).find(index_of(fd.value()));
        if (found == nullptr) return fail(Errno::kEBADF);
        return *found;
    });
}

Result<FdNumber> FdTable::add(Descriptor descriptor) {
    return state_.with([&](State& state) -> Result<FdNumber> {
        if (!state.room_for(1)) return fail(Errno::kEMFILE);
        return state.put(state.lower.lowest_free(0), 0, descriptor);
    });
}

Result<FdNumber> FdTable::add_from(FdNumber minimum, Descriptor descriptor) {
    const std::uint64_t tag = minimum.value() & kTag;
    const std::uint64_t from = index_of(minimum.value());
    return state_.with([&](State& state) -> Result<FdNumber> {
        if (!state.room_for(1)) return fail(Errno::kEMFILE);
        const Slots& half = state.half(tag);
        // Past the end of the vector only explicit placement is left, and that is limited.
        if (from > half.size() && from >= kMaxDescriptors) return fail(Errno::kEMFILE);
        const std::size_t index = half.lowest_free(from);
        if (index >= kMaxIndex) return fail(Errno::kEMFILE);
        return state.put(index, tag, descriptor);
    });
}

Result<void> FdTable::insert(FdNumber fd, Descriptor descriptor) {
    const std::uint64_t index = index_of(fd.value());
    return state_.with([&](State& state) -> Result<void> {
        if (!state.room_for(1) || index >= kMaxDescriptors) return fail(Errno::kEMFILE);
        if (state.half(fd.value()).find(index) != nullptr) return fail(Errno::kEMFILE);
        state.put(index, fd.value() & kTag, descriptor);
        return {};
    });
}

Result<Descriptor> FdTable::remove(FdNumber fd) {
    return state_.with([&](State& state) -> Result<Descriptor> {
        auto taken = state.half(fd.value()).take(index_of(fd.value()));
        if (!taken) return fail(Errno::kEBADF);
        --state.count;
        return std::move(*taken);
    });
}

Result<void> FdTable::set_cloexec(FdNumber fd, bool cloexec) {
    return state_.with([&](State& state) -> Result<void> {
        Descriptor* const found = state.half(fd.value()).find(index_of(fd.value()));
        if (found == nullptr) return fail(Errno::kEBADF);
        found->cloexec = cloexec;
        return {};
    });
}

Result<std::vector<scheme::DescriptionRef>> FdTable::find_all(std::span<const std::uint64_t> fds) const {
    return state_.with([&](const State& state) -> Result<std::vector<scheme::DescriptionRef>> {
        TRY(state.check_open(fds));
        std::vector<scheme::DescriptionRef> found;
        found.reserve(fds.size());
        for (const std::uint64_t fd : fds)
            found.push_back(state.half(fd).find(index_of(fd))->description);
        return found;
    });
}

Result<std::vector<Descriptor>> FdTable::remove_all(std::span<const std::uint64_t> fds) {
    return state_.with([&](State& state) -> Result<std::vector<Descriptor>> {
        TRY(state.check_open(fds));
        std::vector<Descriptor> removed;
        removed.reserve(fds.size());
        for (const std::uint64_t fd : fds)
            removed.push_back(*state.half(fd).take(index_of(fd)));
        state.count -= fds.size();
        return removed;
    });
}

Result<std::vector<FdNumber>> FdTable::add_all_lower(std::vector<Descriptor>& descriptors) {
    return state_.with([&](State& state) -> Result<std::vector<FdNumber>> {
        if (!state.room_for(descriptors.size())) return fail(Errno::kEMFILE);
        std::vector<FdNumber> numbers;
        numbers.reserve(descriptors.size());
        for (Descriptor& descriptor : descriptors)
            numbers.push_back(state.put(state.lower.lowest_free(0), 0, descriptor));
        return numbers;
    });
}

Result<std::vector<FdNumber>> FdTable::add_all_upper(std::vector<Descriptor>& descriptors) {
    return state_.with([&](State& state) -> Result<std::vector<FdNumber>> {
        if (!state.room_for(descriptors.size())) return fail(Errno::kEMFILE);
        std::size_t index = state.upper.lowest_free_run(descriptors.size());
        if (index + descriptors.size() > kMaxIndex) return fail(Errno::kEMFILE);
        std::vector<FdNumber> numbers;
        numbers.reserve(descriptors.size());
        for (Descriptor& descriptor : descriptors)
            numbers.push_back(state.put(index++, kTag, descriptor));
        return numbers;
    });
}

Result<void> FdTable::insert_all_upper(std::span<const std::uint64_t> fds,
                                       std::vector<Descriptor>& descriptors) {
    HC_CHECK(fds.size() == descriptors.size(), "one number a descriptor");
    return state_.with([&](State& state) -> Result<void> {
        if (!state.room_for(descriptors.size())) return fail(Errno::kEMFILE);
        SeenNumbers seen(fds.size());
        for (const std::uint64_t fd : fds) {
            if (index_of(fd) >= kMaxDescriptors) return fail(Errno::kEMFILE);
            if (!seen.insert(fd | kTag)) return fail(Errno::kEINVAL);
            if (state.upper.find(index_of(fd)) != nullptr) return fail(Errno::kEEXIST);
        }
        for (std::size_t i = 0; i < fds.size(); ++i)
            state.put(index_of(fds[i]), kTag, descriptors[i]);
        return {};
    });
}

std::vector<std::uint64_t> FdTable::numbers() const {
    return state_.with([](const State& state) {
        std::vector<std::uint64_t> all;
        all.reserve(state.count);
        for (const std::uint64_t tag : {std::uint64_t{0}, kTag})
            for (std::size_t index = 0; index < state.half(tag).size(); ++index)
                if (state.half(tag).find(index) != nullptr) all.push_back(index | tag);
        return all;
    });
}

std::vector<std::pair<FdNumber, Descriptor>> FdTable::snapshot() const {
    return state_.with([](const State& state) {
        std::vector<std::pair<FdNumber, Descriptor>> all;
        all.reserve(state.count);
        for (const std::uint64_t tag : {std::uint64_t{0}, kTag})
            for (std::size_t index = 0; index < state.half(tag).size(); ++index)
                if (const Descriptor* const found = state.half(tag).find(index))
                    all.emplace_back(FdNumber{index | tag}, *found);
        return all;
    });
}

std::uint64_t FdTable::count() const {
    return state_.with([](const State& state) { return state.count; });
}

std::shared_ptr<FdTable> FdTable::clone() const {
    auto copy = std::make_shared<FdTable>();
    // The copy is nobody else's yet, but its lock has the level of ours: fill it afterwards.
    State state = state_.with([](const State& original) { return original; });
    copy->state_.with([&](State& empty) { empty = std::move(state); });
    return copy;
}

std::vector<Descriptor> FdTable::take_all() {
    State taken;
    state_.with([&](State& state) { taken = std::exchange(state, State{}); });
    std::vector<Descriptor> all;
    all.reserve(taken.count);
    for (Slots* const half : {&taken.lower, &taken.upper})
        for (std::size_t index = 0; index < half->size(); ++index)
            if (auto descriptor = half->take(index)) all.push_back(std::move(*descriptor));
    return all;
}

std::vector<Descriptor> FdTable::leave() {
    if (users_.fetch_sub(1, std::memory_order_acq_rel) != 1) return {};
    return take_all();
}

Result<void> close_descriptor(Descriptor descriptor, std::uint32_t pid) {
    if (descriptor.description->notify_on_detach()) {
        scheme::Scheme* const scheme = TRY(descriptor.description->scheme());
        TRY(scheme->detach(descriptor.description->number(), pid));
    }
    return descriptor.description.close();
}

}  // namespace halfcell::fd
