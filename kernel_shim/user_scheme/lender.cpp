#include "kernel_shim/user_scheme/lender.h"

#include <algorithm>
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
    const auto server = TRY(server_space());
    loan.windows_ = &windows_;
    loan.window_ = TRY(windows_.take(1, false, server));
    loan.window_->prepare(0, path.size(), true);
    (void)path.copy(reinterpret_cast<char*>(loan.window_->pages->direct()), path.size());
    loan.address_ = loan.window_->address;
    loan.size_ = path.size();
    return loan;
}

Result<Loan> Lender::lend(const Buffer& buffer, std::optional<mem::UserOut> owner) {
    Loan loan;
    if (buffer.slice->empty()) return loan;
    const auto server = TRY(server_space());
    loan.windows_ = &windows_;
    loan.direction_ = buffer.direction;
    loan.owner_ = std::move(owner);
    loan.size_ = buffer.slice->size();
    if (buffer.slice->space() == server.get()) {
        loan.address_ = buffer.slice->address();
        return loan;
    }
    const BufferParts parts = split_buffer(buffer.slice->address(), loan.size_);
    TRY(parts.pages() <= Windows::kMostPages ? lend_scratch(loan, buffer, parts, server)
                                             : lend_pages(loan, buffer, parts, server));
    return loan;
}

// On a window that is mapped already.
Result<void> Lender::lend_scratch(Loan& loan, const Buffer& buffer, const BufferParts& parts,
                                  const std::shared_ptr<mem::AddressSpace>& server) {
    const mem::Protection protection = protection_for(buffer.direction);
    // Whole pages are checked as if they were shown, before the server does anything; what begins or ends
    // inside a page fails when it is copied, as upstream.
    if (mem::AddressSpace* const caller = buffer.slice->space(); caller != nullptr && parts.middle_size != 0)
        TRY(caller->can_lend({buffer.slice->address() + parts.head_size, parts.middle_size}, protection));
    loan.window_ = TRY(windows_.take(parts.pages(), protection.write, server));
    const mem::MemoryRef& pages = loan.window_->pages;
    loan.window_->prepare(parts.in_page, loan.size_, buffer.in != nullptr);
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

}  // namespace halfcell::user_scheme
