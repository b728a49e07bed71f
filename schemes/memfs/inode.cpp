#include "schemes/memfs/inode.h"

#include <fcntl.h>
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

namespace {

// So that a whole page more is still a size for the host.
constexpr std::uint64_t kMostShared = INT64_MAX - machine::kPageSize;

}  // namespace

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
    budget_->give(kInodeCost + state_.with([](const State& state) { return state.shared_extent; }));
}

Attributes Inode::attributes() const {
    return state_.with([](const State& state) { return state.attributes; });
}

void Inode::touch() {
    state_.with([](State& state) { state.attributes.modified = state.attributes.changed = time_now(); });
}

std::uint64_t Inode::size() const {
    return state_.with(
        [](const State& state) { return state.shared ? state.shared_size : state.content.size(); });
}

std::uint64_t Inode::allocated() const {
    return state_.with(
        [](const State& state) { return state.shared ? state.shared_extent : state.content.allocated(); });
}

Result<std::uint64_t> Inode::read(std::uint64_t offset, std::span<std::byte> to) {
    std::shared_ptr<const host::UniqueFd> shared;
    const std::uint64_t count = state_.with([&](State& state) -> std::uint64_t {
        state.attributes.accessed = time_now();
        shared = state.shared;
        if (shared == nullptr) return state.content.read(offset, to);
        return offset < state.shared_size ? std::min<std::uint64_t>(to.size(), state.shared_size - offset)
                                          : 0;
    });
    if (shared == nullptr || count == 0) return count;
    return file::host_read(shared->get(), to.first(count), offset);
}

Result<void> Inode::extend_shared(State& state, std::uint64_t size) {
    const std::uint64_t extent = machine::page_round_up(size);
    if (extent <= state.shared_extent) return {};
    TRY(budget_->take(extent - state.shared_extent));
    if (ftruncate(state.shared->get(), static_cast<off_t>(extent)) != 0) {
        budget_->give(extent - state.shared_extent);
        return fail(host::last_error());
    }
    state.shared_extent = extent;
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
        if (where == file::WriteAt::kEnd) offset = state.shared_size;
        if (offset > kMostShared || from.size() > kMostShared - offset) return fail(Errno::kEFBIG);
        TRY(extend_shared(state, offset + from.size()));
        // Now, so that two that append do not get the same place.
        if (!from.empty()) state.shared_size = std::max(state.shared_size, offset + from.size());
        return 0;
    });
    if (shared == nullptr || !count) return count;
    return file::host_write(shared->get(), from, offset, file::WriteAt::kOffset, file::Durability::kCached);
}

Result<void> Inode::resize(std::uint64_t size) {
    return state_.with([&](State& state) -> Result<void> {
        state.attributes.modified = state.attributes.changed = time_now();
        if (state.shared == nullptr) return state.content.resize(size);
        if (size > kMostShared) return fail(Errno::kEFBIG);
        if (size < state.shared_size) {
            // Pages that are mapped stay, as zeros: on Redox no mapping loses them either. Done under the
            // file's lock, so that what is written meanwhile is not wiped out.
            const int mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
            const auto length = static_cast<off_t>(state.shared_extent - size);
            if (fallocate(state.shared->get(), mode, static_cast<off_t>(size), length) != 0)
                return fail(host::last_error());
        }
        TRY(extend_shared(state, size));
        state.shared_size = size;
        return {};
    });
}

std::string Inode::text() {
    return state_.with([](State& state) {
        std::string text(state.content.size(), '\0');
        (void)state.content.read(0, std::as_writable_bytes(std::span(text)));
        return text;
    });
}

Result<std::shared_ptr<const host::UniqueFd>> Inode::share(std::uint64_t end) {
    // Done under the file's lock although it writes to the host's memory: it happens once in a file's life,
    // and a write that came between copying and switching would be lost.
    return state_.with([&](State& state) -> Result<std::shared_ptr<const host::UniqueFd>> {
        if (state.shared == nullptr) TRY(move_to_shared(state));
        // Not enough room is no reason to refuse the bytes there are.
        if (end <= kMostShared) (void)extend_shared(state, end);
        return state.shared;
    });
}

Result<void> Inode::move_to_shared(State& state) {
    const std::uint64_t size = state.content.size();
    const std::uint64_t extent = machine::page_round_up(size);
    auto shared = std::make_shared<const host::UniqueFd>(TRY(host::create_memory_file("memfs", extent)));
    TRY(budget_->take(extent));
    const Result<void> copied = [&]() -> Result<void> {
        std::vector<std::byte> batch(std::min<std::uint64_t>(size, 256 * 1024));
        for (std::uint64_t done = 0; done < size;) {
            const std::uint64_t count = state.content.read(done, batch);
            TRY(host::write_fully_at(shared->get(), std::span(batch).first(count), done));
            done += count;
        }
        return state.content.resize(0);
    }();
    if (!copied) {
        budget_->give(extent);
        return copied;
    }
    state.shared = std::move(shared);
    state.shared_size = size;
    state.shared_extent = extent;
    return {};
}

}  // namespace halfcell::memfs
