#pragma once

// Moves bytes between a caller's buffer and something that fills or takes local spans: in place where the
// buffer's frames can be pinned, through a bounce buffer where they cannot.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "kernel_shim/base/result.h"
#include "kernel_shim/mem/user_slice.h"

namespace halfcell::file {

inline constexpr std::uint64_t kBounceSize = 256 * 1024;

namespace detail {

// After some bytes an error only ends the transfer; the next call meets it again.
inline Result<std::uint64_t> settle(std::uint64_t done, Errno error) {
    if (done != 0) return done;
    return fail(error);
}

}  // namespace detail

// `produce(done, span)` -> Result<std::uint64_t> writes up to span.size() bytes that lie `done` bytes into
// the transfer; fewer mean the end. Returns the bytes handed over. EFAULT before anything is produced where
// the whole buffer cannot be written to.
template <typename Produce>
Result<std::uint64_t> fill(const mem::UserOut& to, Produce produce) {
    if (to.empty()) return 0;
    const mem::PinnedBytes pinned = TRY(to.pin(0, to.size()));
    std::uint64_t done = 0;
    if (!pinned.spans.empty()) {
        for (const auto& span : pinned.spans) {
            const Result<std::uint64_t> count = produce(done, std::span(span.data, span.size));
            if (!count) return detail::settle(done, count.error());
            done += *count;
            if (*count < span.size) break;
        }
        return done;
    }
    const std::uint64_t bounce_size = std::min(to.size(), kBounceSize);
    const auto bounce = std::make_unique<std::byte[]>(bounce_size);
    while (done < to.size()) {
        const std::uint64_t wanted = std::min(to.size() - done, bounce_size);
        const Result<std::uint64_t> count = produce(done, std::span(bounce.get(), wanted));
        if (!count) return detail::settle(done, count.error());
        if (const auto copied = to.write(done, std::span(bounce.get(), *count)); !copied)
            return detail::settle(done, copied.error());
        done += *count;
        if (*count < wanted) break;
    }
    return done;
}

// The other way: `consume(done, span)` -> Result<std::uint64_t> takes up to span.size() bytes.
template <typename Consume>
Result<std::uint64_t> drain(const mem::UserIn& from, Consume consume) {
    if (from.empty()) return 0;
    const mem::PinnedBytes pinned = TRY(from.pin(0, from.size()));
    std::uint64_t done = 0;
    if (!pinned.spans.empty()) {
        for (const auto& span : pinned.spans) {
            const Result<std::uint64_t> count =
                consume(done, std::span(static_cast<const std::byte*>(span.data), span.size));
            if (!count) return detail::settle(done, count.error());
            done += *count;
            if (*count < span.size) break;
        }
        return done;
    }
    const std::uint64_t bounce_size = std::min(from.size(), kBounceSize);
    const auto bounce = std::make_unique<std::byte[]>(bounce_size);
    while (done < from.size()) {
        const std::uint64_t wanted = std::min(from.size() - done, bounce_size);
        if (const auto copied = from.read(done, std::span(bounce.get(), wanted)); !copied)
            return detail::settle(done, copied.error());
        const Result<std::uint64_t> count =
            consume(done, std::span(static_cast<const std::byte*>(bounce.get()), wanted));
        if (!count) return detail::settle(done, count.error());
        done += *count;
        if (*count < wanted) break;
    }
    return done;
}

}  // namespace halfcell::file
