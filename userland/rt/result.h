#pragma once

// What a fallible call of the guest runtime gives back: a value or the Redox error. Guests have no
// exceptions.

#include <cstdint>
#include <optional>
#include <utility>

#include "abi/error.h"

namespace halfcell::userland {

using abi::Errno;

template <typename T>
class [[nodiscard]] Result {
  public:
    Result(T value) : value_(std::move(value)) {}
    Result(Errno error) : error_(error) {}

    explicit operator bool() const { return value_.has_value(); }
    T& operator*() & { return *value_; }
    const T& operator*() const& { return *value_; }
    T&& operator*() && { return std::move(*value_); }
    T* operator->() { return &*value_; }
    const T* operator->() const { return &*value_; }
    Errno error() const { return error_; }

  private:
    std::optional<T> value_;
    Errno error_{};
};

template <>
class [[nodiscard]] Result<void> {
  public:
    Result() = default;
    Result(Errno error) : error_(error), failed_(true) {}

    explicit operator bool() const { return !failed_; }
    void operator*() const {}
    Errno error() const { return error_; }

  private:
    Errno error_{};
    bool failed_ = false;
};

// Unwraps a Result or returns its error from the enclosing function.
#define RT_TRY(expression)                                  \
    __extension__({                                         \
        auto rt_try_result = (expression);                  \
        if (!rt_try_result) return (rt_try_result).error(); \
        *std::move(rt_try_result);                          \
    })

}  // namespace halfcell::userland
