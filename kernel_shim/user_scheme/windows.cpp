#include "kernel_shim/user_scheme/windows.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>
#include <utility>

#include "kernel_shim/base/check.h"

namespace halfcell::user_scheme {

namespace {

void take_away(const Window& window) {
    if (const auto space = window.space.lock()) space->take_back_lent({window.address, window.pages->size()});
}

}  // namespace

void Window::prepare(std::uint64_t begin, std::uint64_t size, bool overwritten) {
    std::byte* const bytes = pages->direct();
    const std::uint64_t end = begin + size;
    const std::uint64_t clear_up_to = overwritten ? std::min(begin, used) : used;
    std::memset(bytes, 0, clear_up_to);
    if (overwritten && used > end) std::memset(bytes + end, 0, used - end);
    used = std::max(used, end);
}

std::size_t Windows::kind_of(std::uint64_t pages, bool writable) {
    return 2 * static_cast<std::size_t>(std::countr_zero(pages)) + (writable ? 1 : 0);
}

Result<Window> Windows::take(std::uint64_t pages, bool writable,
                             const std::shared_ptr<mem::AddressSpace>& server) {
    HC_CHECK(pages != 0 && pages <= kMostPages, "a window of possible size");
    pages = std::bit_ceil(pages);
    for (;;) {
        std::optional<Window> kept;
        state_.with([&](State& state) {
            auto& windows = state.kept[kind_of(pages, writable)];
            if (windows.empty()) return;
            kept = std::move(windows.back());
            windows.pop_back();
        });
        if (!kept) break;
        if (kept->space.lock() == server) return std::move(*kept);
        // The server runs another program by now.
        take_away(*kept);
    }
    mem::MemoryRef memory = TRY(pool_.allocate(pages * machine::kPageSize));
    Window window{.space = server, .pages = std::move(memory), .writable = writable};
    // Guests have filled the part of the pool that the supervisor has mapped.
    if (window.pages->direct() == nullptr) return fail(Errno::kENOMEM);
    window.address = TRY(server->show_lent(*server, {.head = window.pages}, {.write = writable}));
    return window;
}

void Windows::give_back(Window window) {
    const std::uint64_t pages = window.pages->size() / machine::kPageSize;
    const std::uint64_t most = std::clamp<std::uint64_t>(kPagesKept / pages, 1, 32);
    const bool keep = state_.with([&](State& state) {
        auto& windows = state.kept[kind_of(pages, window.writable)];
        if (state.closed || windows.size() >= most) return false;
        windows.push_back(window);
        return true;
    });
    if (!keep) take_away(window);
}

void Windows::close() {
    State last;
    state_.with([&](State& state) {
        last.kept.swap(state.kept);
        state.closed = true;
    });
    for (const auto& windows : last.kept)
        for (const Window& window : windows)
            take_away(window);
}

}  // namespace halfcell::user_scheme
