#include "kernel_shim/user_scheme/lend.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace halfcell::user_scheme {

BufferParts split_buffer(std::uint64_t address, std::uint64_t size) {
    BufferParts parts{.in_page = address % machine::kPageSize};
    if (parts.in_page != 0) parts.head_size = std::min(machine::kPageSize - parts.in_page, size);
    parts.middle_size = machine::page_round_down(size - parts.head_size);
    parts.tail_size = size - parts.head_size - parts.middle_size;
    return parts;
}

Loan& Loan::operator=(Loan&& other) noexcept {
    give_back();
    windows_ = std::exchange(other.windows_, nullptr);
    address_ = std::exchange(other.address_, kEmptyBuffer);
    size_ = std::exchange(other.size_, 0);
    direction_ = other.direction_;
    owner_ = std::move(other.owner_);
    copied_ = std::exchange(other.copied_, {});
    window_ = std::exchange(other.window_, std::nullopt);
    shown_in_ = std::exchange(other.shown_in_, {});
    shown_ = std::exchange(other.shown_, {});
    return *this;
}

Loan Loan::copied(std::uint64_t address, std::uint64_t size, Direction direction,
                  std::optional<mem::UserOut> owner, mem::MemoryRef object) {
    Loan loan;
    loan.address_ = address;
    loan.size_ = size;
    loan.direction_ = direction;
    loan.owner_ = std::move(owner);
    loan.copied_[0] = {0, size, std::move(object), 0};
    return loan;
}

Result<void> Loan::copy_back(std::uint64_t given) const {
    if (direction_ == Direction::kToServer) return {};
    constexpr std::uint64_t kChunk = 65536;
    std::vector<std::byte> bounce;
    for (const Copied& part : copied_) {
        if (part.object == nullptr || given <= part.offset) continue;
        const std::uint64_t size = std::min(part.size, given - part.offset);
        if (const std::byte* const direct = part.object->direct()) {
            TRY(owner_->write(part.offset, std::span(direct + part.object_offset, size)));
            continue;
        }
        bounce.resize(std::min(size, kChunk));
        for (std::uint64_t done = 0; done < size; done += bounce.size()) {
            const auto chunk = std::span(bounce).first(std::min<std::uint64_t>(bounce.size(), size - done));
            TRY(part.object->read(part.object_offset + done, chunk));
            TRY(owner_->write(part.offset + done, chunk));
        }
    }
    return {};
}

void Loan::give_back() {
    if (window_) windows_->give_back(*std::exchange(window_, std::nullopt));
    if (shown_.empty()) return;
    // Gone with the server's memory, or taken away now.
    if (const auto space = shown_in_.lock()) space->take_back_lent(shown_);
    shown_ = {};
}

}  // namespace halfcell::user_scheme
