#include "kernel_shim/user_scheme/lender.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "kernel_shim/base/check.h"

namespace halfcell::user_scheme {

namespace {

mem::Protection protection_for(Direction direction) {
    return {.write = direction != Direction::kToServer};
}

// Writes bytes of a buffer to an object; the rest of the object is not touched.
Result<void> copy_in(const mem::UserIn& from, std::uint64_t offset, std::uint64_t size,
                     mem::MemoryObject& object, std::uint64_t object_offset) {
    if (std::byte* const direct = object.direct())
        return from.read(offset, std::span(direct + object_offset, size));
    constexpr std::uint64_t kChunk = 65536;
    std::vector<std::byte> bounce(std::min(size, kChunk));
    for (std::uint64_t done = 0; done < size; done += bounce.size()) {
        const auto chunk = std::span(bounce).first(std::min<std::uint64_t>(bounce.size(), size - done));
        TRY(from.read(offset + done, chunk));
        TRY(object.write(object_offset + done, chunk));
    }
    return {};
}

// Scratch pages are small, so the supervisor always reaches them.
void clear(mem::MemoryObject& scratch) {
    std::byte* const bytes = scratch.direct();
    HC_CHECK(bytes != nullptr, "a scratch page can be reached");
    std::memset(bytes, 0, scratch.size());
}

void take_away(const Window& window) {
    if (const auto space = window.space.lock()) space->take_back_lent({window.address, window.pages->size()});
}

}  // namespace

Result<std::shared_ptr<mem::AddressSpace>> Lender::server_space() const {
    const auto server = server_.lock();
    auto space = server ? server->address_space() : nullptr;
    if (space == nullptr) return fail(Errno::kESRCH);
    return space;
}

Result<Loan> Lender::lend(const mem::UserIn& buffer) {
    return lend({&buffer, Direction::kToServer, &buffer}, std::nullopt);
}

Result<Loan> Lender::lend(const mem::UserOut& buffer) {
    return lend({&buffer, Direction::kFromServer, nullptr}, buffer);
}

Result<Loan> Lender::lend(const mem::UserInOut& buffer) {
    const mem::UserIn in = buffer.in();
    return lend({&buffer, Direction::kBoth, &in}, buffer.out());
}

Result<Loan> Lender::lend_path(std::string_view path) {
    HC_CHECK(path.size() <= machine::kPageSize, "a path fits a page");
    Loan loan;
    loan.lender_ = this;
    const auto server = TRY(server_space());
    loan.window_ = TRY(take_window(1, false, server));
    clear(*loan.window_->pages);
    std::memcpy(loan.window_->pages->direct(), path.data(), path.size());
    loan.address_ = loan.window_->address;
    loan.size_ = path.size();
    return loan;
}

Result<Loan> Lender::lend(const Buffer& buffer, std::optional<mem::UserOut> owner) {
    Loan loan;
    if (buffer.slice->empty()) return loan;
    const auto server = TRY(server_space());
    loan.lender_ = this;
    loan.direction_ = buffer.direction;
    loan.owner_ = std::move(owner);
    loan.size_ = buffer.slice->size();
    if (buffer.slice->space() == server.get()) {
        loan.address_ = buffer.slice->address();
        return loan;
    }
    const BufferParts parts = split_buffer(buffer.slice->address(), loan.size_);
    const bool nothing_to_show = parts.middle_size == 0 && parts.pages() <= kWindowPages;
    TRY(nothing_to_show ? lend_scratch(loan, buffer, parts, server)
                        : lend_pages(loan, buffer, parts, server));
    return loan;
}

// Head and tail alone, on a window that is mapped already.
Result<void> Lender::lend_scratch(Loan& loan, const Buffer& buffer, const BufferParts& parts,
                                  const std::shared_ptr<mem::AddressSpace>& server) {
    loan.window_ = TRY(take_window(parts.pages(), protection_for(buffer.direction).write, server));
    const mem::MemoryRef& pages = loan.window_->pages;
    clear(*pages);
    loan.address_ = loan.window_->address + parts.in_page;
    // One stretch on pages that follow each other.
    loan.copied_[0] = {0, loan.size_, pages, parts.in_page};
    if (buffer.in != nullptr) TRY(copy_in(*buffer.in, 0, loan.size_, *pages, parts.in_page));
    return {};
}

// Whole pages as they are between scratch pages of this loan's own.
Result<void> Lender::lend_pages(Loan& loan, const Buffer& buffer, const BufferParts& parts,
                                const std::shared_ptr<mem::AddressSpace>& server) {
    mem::AddressSpace* const caller = buffer.slice->space();
    if (caller == nullptr) return lend_copy(loan, buffer, parts, server);
    const std::uint64_t middle = buffer.slice->address() + parts.head_size;
    // What the supervisor cannot reach in place (a host file, memory that a fork left to be copied) may be
    // something else in the next moment. Holes are found below.
    if (const auto reach = caller->pin(middle, parts.middle_size, mem::Access::kRead))
        if (reach->spans.empty()) return lend_copy(loan, buffer, parts, server);

    mem::LentPages pages{.middle = {middle, parts.middle_size}};
    const auto add_copied = [&](Loan::Copied& copied, std::uint64_t offset, std::uint64_t size,
                                std::uint64_t in_page) -> Result<mem::MemoryRef> {
        mem::MemoryRef scratch = TRY(pool_.allocate(machine::kPageSize));
        copied = {offset, size, scratch, in_page};
        if (buffer.in != nullptr) TRY(copy_in(*buffer.in, offset, size, *scratch, in_page));
        return scratch;
    };
    if (parts.head_size != 0)
        pages.head = TRY(add_copied(loan.copied_[0], 0, parts.head_size, parts.in_page));
    if (parts.tail_size != 0)
        pages.tail = TRY(add_copied(loan.copied_[1], loan.size_ - parts.tail_size, parts.tail_size, 0));
    const std::uint64_t base = TRY(server->show_lent(*caller, pages, protection_for(buffer.direction)));
    loan.shown_in_ = server;
    loan.shown_ = {base, parts.pages() * machine::kPageSize};
    loan.address_ = base + parts.in_page;
    return {};
}

Result<void> Lender::lend_copy(Loan& loan, const Buffer& buffer, const BufferParts& parts,
                               const std::shared_ptr<mem::AddressSpace>& server) {
    const mem::MemoryRef copy = TRY(pool_.allocate(parts.pages() * machine::kPageSize));
    loan.copied_[0] = {0, loan.size_, copy, parts.in_page};
    if (buffer.in != nullptr) TRY(copy_in(*buffer.in, 0, loan.size_, *copy, parts.in_page));
    const std::uint64_t base =
        TRY(server->show_lent(*server, {.head = copy}, protection_for(buffer.direction)));
    loan.shown_in_ = server;
    loan.shown_ = {base, copy->size()};
    loan.address_ = base + parts.in_page;
    return {};
}

Result<Window> Lender::take_window(std::uint64_t pages, bool writable,
                                   const std::shared_ptr<mem::AddressSpace>& server) {
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
    Window window{
        .space = server, .pages = TRY(pool_.allocate(pages * machine::kPageSize)), .writable = writable};
    window.address = TRY(server->show_lent(*server, {.head = window.pages}, {.write = writable}));
    return window;
}

void Lender::give_back(Window window) {
    const std::uint64_t pages = window.pages->size() / machine::kPageSize;
    const bool keep = state_.with([&](State& state) {
        auto& windows = state.kept[kind_of(pages, window.writable)];
        if (state.closed || windows.size() >= kMostKept) return false;
        windows.push_back(window);
        return true;
    });
    if (!keep) take_away(window);
}

void Lender::close() {
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
