#include "kernel_shim/fd/handoff.h"

namespace halfcell::fd {

namespace {

Result<Taken> take(FdTable& table, std::span<const std::uint64_t> fds, Sending sending) {
    if (sending == Sending::kCopy) return Taken{TRY(table.find_all(fds)), {}};
    std::vector<Descriptor> removed = TRY(table.remove_all(fds));
    Taken taken;
    taken.descriptions.reserve(removed.size());
    for (Descriptor& descriptor : removed) {
        taken.descriptions.push_back(std::move(descriptor.description));
        taken.cloexec.push_back(descriptor.cloexec);
    }
    return taken;
}

Result<std::vector<FdNumber>> put(FdTable& table, std::vector<Descriptor>& descriptors, Placing placing,
                                  std::span<const std::uint64_t> named) {
    switch (placing) {
        case Placing::kLower:
            return table.add_all_lower(descriptors);
        case Placing::kUpperRun:
            return table.add_all_upper(descriptors);
        case Placing::kUpperNamed:
            break;
    }
    if (named.size() != descriptors.size()) return fail(Errno::kEINVAL);
    TRY(table.insert_all_upper(named, descriptors));
    std::vector<FdNumber> numbers;
    numbers.reserve(named.size());
    for (const std::uint64_t fd : named)
        numbers.emplace_back(fd | abi::kUpperFdtblTag);
    return numbers;
}

}  // namespace

Result<Taken> take_descriptions(FdTable& table, std::span<const std::uint64_t> fds, Sending sending,
                                bool exclusive) {
    Taken taken = TRY(take(table, fds, sending));
    if (exclusive)
        for (const scheme::DescriptionRef& description : taken.descriptions)
            if (!description.exclusive()) return fail(Errno::kEBUSY);
    return taken;
}

void give_back(FdTable& table, std::span<const std::uint64_t> fds, Taken taken) {
    for (std::size_t i = 0; i < taken.cloexec.size() && i < taken.descriptions.size(); ++i)
        if (taken.descriptions[i])
            (void)table.insert(FdNumber{fds[i]}, {std::move(taken.descriptions[i]), taken.cloexec[i]});
}

Result<std::vector<FdNumber>> place_descriptions(FdTable& table,
                                                 std::vector<scheme::DescriptionRef>& descriptions,
                                                 bool cloexec, Placing placing,
                                                 std::span<const std::uint64_t> named) {
    std::vector<Descriptor> descriptors;
    descriptors.reserve(descriptions.size());
    for (scheme::DescriptionRef& description : descriptions)
        descriptors.push_back({std::move(description), cloexec});
    auto numbers = put(table, descriptors, placing, named);
    if (!numbers)
        for (std::size_t i = 0; i < descriptions.size(); ++i)
            descriptions[i] = std::move(descriptors[i].description);
    return numbers;
}

}  // namespace halfcell::fd
