#pragma once

// Errors are results: every fallible function of the supervisor returns Result<T>, and TRY passes an error
// on.

#include <tl/expected.hpp>

#include "abi/error.h"

namespace halfcell {

using abi::Errno;

template <typename T>
using Result = tl::expected<T, Errno>;

// For the few places whose failures are not an errno: a reason to show to the person who ran the program.
template <typename T, typename E>
using Expected = tl::expected<T, E>;
template <typename E>
[[nodiscard]] tl::unexpected<E> unexpected(E error) {
    return tl::unexpected<E>(std::move(error));
}

// `return fail(Errno::kEBADF);`
[[nodiscard]] inline tl::unexpected<Errno> fail(Errno error) {
    return tl::unexpected<Errno>(error);
}

// The register value for a finished call: the value itself, or the negated errno.
// The only place where the sign flips. Source: syscall:src/error.rs Error::mux.
[[nodiscard]] inline std::uint64_t mux(const Result<std::uint64_t>& result) {
    return result ? *result : abi::mux_error(result.error());
}

}  // namespace halfcell

// Evaluates a Result; on error returns it from the enclosing function, else yields the value (or nothing).
// Not inside braces behind members that own something: GCC 12 forgets those when it returns.
#define TRY(expression)                                                 \
    __extension__({                                                     \
        auto try_result_ = (expression);                                \
        if (!try_result_) return ::halfcell::fail(try_result_.error()); \
        ::halfcell::detail::take(try_result_);                          \
    })

namespace halfcell::detail {

template <typename T>
T take(Result<T>& result) {
    return std::move(*result);
}
inline void take(Result<void>&) {}

}  // namespace halfcell::detail
