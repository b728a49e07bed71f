#include "schemes/memfs/inode.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "kernel_shim/host/host_errno.h"
#include "kernel_shim/host/sys.h"
#include "kernel_shim/machine/page_range.h"
#include "schemes/file/host_calls.h"

namespace halfcell::memfs {

bool Attributes::permits(file::Identity caller, std::uint16_t bits) const {
    std::uint16_t granted = mode & 7;
    if (caller.uid == uid) granted |= (mode >> 6) & 7;
    if (caller.gid == gid || caller.gid == 0) granted |= (mode >> 3) & 7;
    if (caller.uid == 0) granted = 7;
    return (granted & bits) == bits;
}

timespec time_now() {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    return now;
}

Inode::Inode(std::shared_ptr<Budget> budget, std::uint64_t number, file::NodeKind kind, std::uint16_t mode,
             file::Identity owner, std::span<const std::byte> fixed)
    : budget_(budget), number_(number), kind_(kind), state_(std::in_place, std::move(budget), fixed) {
    state_.with([&](State& state) {
        const timespec now = time_now();
        state.attributes = {.mode = mode,
                            .uid = owner.uid,
                            .gid = owner.gid,
                            .accessed = now,
                            .modified = now,
                            .changed = now};
    });
}

Inode::~Inode() {
    budget_->give(kInodeCost + state_.with([](const State& state) { return state.shared_charge; }));
}

Attributes Inode::attributes() const {
    return state_.with([](const State& state) { return state.attributes; });
}

void Inode::touch() {
    state_.with([](State& state) { state.attributes.modified = state.attributes.changed = time_now(); });
}

std::uint64_t Inode::size() const {
    std::shared_ptr<const host::UniqueFd> shared;
    const std::uint64_t size = state_.with([&](const State& state) {
        shared = state.shared;
        return state.content.size();
    });
    if (shared == nullptr) return size;
    const auto status = file::host_stat(shared->get());
    return status ? static_cast<std::uint64_t>(status->st_size) : 0;
}

std::uint64_t Inode::allocated() const {
    return state_.with(
        [](const State& state) { return state.shared ? state.shared_charge : state.content.allocated(); });
}

Result<std::uint64_t> Inode::read(std::uint64_t offset, std::span<std::byte> to) {
    std::shared_ptr<const host::UniqueFd> shared;
    const std::uint64_t count = state_.with([&](State& state) -> std::uint64_t {
        state.attributes.accessed = time_now();
        shared = state.shared;
        return shared ? 0 : state.content.read(offset, to);
    });
    if (shared == nullptr) return count;
    if (offset > INT64_MAX) return 0;
    return file::host_read(shared->get(), to, offset);
}

Result<void> Inode::charge_shared(State& state, std::uint64_t size) {
    const std::uint64_t needed = machine::page_round_up(size);
    if (needed > state.shared_charge) {
        TRY(budget_->take(needed - state.shared_charge));
        state.shared_charge = needed;
    }
    return {};
}

Result<std::uint64_t> Inode::write(std::uint64_t offset, file::WriteAt where,
                                   std::span<const std::byte> from) {
    std::shared_ptr<const host::UniqueFd> shared;
    const Result<std::uint64_t> count = state_.with([&](State& state) -> Result<std::uint64_t> {
        state.attributes.modified = state.attributes.changed = time_now();
        shared = state.shared;
        if (shared == nullptr) {
            if (where == file::WriteAt::kEnd) offset = state.content.size();
            return state.content.write(offset, from);
        }
        const auto status = TRY(file::host_stat(shared->get()));
        if (where == file::WriteAt::kEnd) offset = static_cast<std::uint64_t>(status.st_size);
        if (offset > INT64_MAX || from.size() > INT64_MAX - offset) return fail(Errno::kEFBIG);
        TRY(charge_shared(state, offset + from.size()));
        return 0;
    });
    if (shared == nullptr || !count) return count;
    return file::host_write(shared->get(), from, offset, file::WriteAt::kOffset, file::Durability::kCached);
}

Result<void> Inode::resize(std::uint64_t size) {
    std::shared_ptr<const host::UniqueFd> shared;
    TRY(state_.with([&](State& state) -> Result<void> {
        state.attributes.modified = state.attributes.changed = time_now();
        shared = state.shared;
        if (shared == nullptr) return state.content.resize(size);
        if (size > INT64_MAX) return fail(Errno::kEFBIG);
        return charge_shared(state, size);
    }));
    if (shared != nullptr && ftruncate(shared->get(), static_cast<off_t>(size)) != 0)
        return fail(host::last_error());
    return {};
}

std::string Inode::text() {
    return state_.with([](State& state) {
        std::string text(state.content.size(), '\0');
        (void)state.content.read(0, std::as_writable_bytes(std::span(text)));
        return text;
    });
}

Result<std::shared_ptr<const host::UniqueFd>> Inode::share() {
    // Done under the file's lock although it writes to the host's memory: it happens once in a file's life,
    // and a write that came between copying and switching would be lost.
    return state_.with([&](State& state) -> Result<std::shared_ptr<const host::UniqueFd>> {
        if (state.shared != nullptr) return state.shared;
        auto shared = std::make_shared<const host::UniqueFd>(
            TRY(host::create_memory_file("memfs", state.content.size())));
        TRY(charge_shared(state, state.content.size()));
        std::vector<std::byte> batch(std::min<std::uint64_t>(state.content.size(), 256 * 1024));
        for (std::uint64_t done = 0; done < state.content.size();) {
            const std::uint64_t count = state.content.read(done, batch);
            TRY(host::write_fully_at(shared->get(), std::span(batch).first(count), done));
            done += count;
        }
        TRY(state.content.resize(0));
        state.shared = std::move(shared);
        return state.shared;
    });
}

}  // namespace halfcell::memfs
