#include "kernel_shim/gdb/breakpoints.h"

#include <vector>

namespace halfcell::gdb {

namespace {

constexpr std::byte kInt3{0xcc};

std::span<const std::byte> one(const std::byte& byte) {
    return {&byte, 1};
}

}  // namespace

template <typename Visit>
void Breakpoints::visit(std::uint64_t process, std::uint64_t address, std::size_t size, Visit visit) {
    const auto places = processes_.find(process);
    if (places == processes_.end()) return;
    for (auto at = places->second.lower_bound(address); at != places->second.end(); ++at) {
        if (at->first - address >= size) return;
        if (at->second.inserted) visit(at->first - address, at->second);
    }
}

Result<void> Breakpoints::insert(std::uint64_t process, std::uint64_t address) {
    if (inserted(process, address)) return {};
    std::byte original{};
    TRY(target_.read_memory(process, address, {&original, 1}));
    TRY(target_.write_memory(process, address, one(kInt3)));
    processes_[process][address] = {original, true};
    return {};
}

Result<void> Breakpoints::remove(std::uint64_t process, std::uint64_t address) {
    if (!inserted(process, address)) return {};
    Place& place = processes_[process][address];
    place.inserted = false;
    restore(process, address, place);
    return {};
}

void Breakpoints::restore(std::uint64_t process, std::uint64_t address, const Place& place) {
    std::byte now{};
    const auto read = target_.read_memory(process, address, {&now, 1});
    if (read && now == kInt3) (void)target_.write_memory(process, address, one(place.original));
}

bool Breakpoints::inserted(std::uint64_t process, std::uint64_t address) const {
    const auto places = processes_.find(process);
    if (places == processes_.end()) return false;
    const auto place = places->second.find(address);
    return place != places->second.end() && place->second.inserted;
}

Result<std::size_t> Breakpoints::read(std::uint64_t process, std::uint64_t address, std::span<std::byte> to) {
    const std::size_t size = TRY(target_.read_memory(process, address, to));
    visit(process, address, size, [&](std::size_t at, const Place& place) {
        if (to[at] == kInt3) to[at] = place.original;
    });
    return size;
}

Result<void> Breakpoints::write(std::uint64_t process, std::uint64_t address,
                                std::span<const std::byte> from) {
    std::vector<std::byte> bytes(from.begin(), from.end());
    visit(process, address, bytes.size(), [&](std::size_t at, Place&) { bytes[at] = kInt3; });
    TRY(target_.write_memory(process, address, bytes));
    visit(process, address, bytes.size(), [&](std::size_t at, Place& place) { place.original = from[at]; });
    return {};
}

void Breakpoints::fork(std::uint64_t parent, std::uint64_t child) {
    const auto places = processes_.find(parent);
    if (places == processes_.end()) return;
    Places copied;
    for (const auto& [address, place] : places->second) {
        std::byte now{};
        const auto read = target_.read_memory(child, address, {&now, 1});
        if (!read || now != kInt3) continue;
        copied[address] = place;
        if (!place.inserted) restore(child, address, place);
    }
    processes_[child] = std::move(copied);
}

void Breakpoints::remove_all(std::uint64_t process) {
    const auto places = processes_.find(process);
    if (places == processes_.end()) return;
    for (const auto& [address, place] : places->second)
        if (place.inserted) restore(process, address, place);
    processes_.erase(places);
}

}  // namespace halfcell::gdb
