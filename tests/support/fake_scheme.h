#pragma once

// A scheme that does nothing but remember: which handles were closed or detached, in which order.

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "kernel_shim/scheme/registry.h"
#include "kernel_shim/scheme/scheme.h"

namespace halfcell::test {

class RecordingScheme : public scheme::Scheme {
  public:
    [[nodiscard]] std::string_view name() const override { return "recording"; }

    Result<void> close(HandleNumber number) override {
        const std::lock_guard lock(mutex_);
        closed_.push_back(number.value());
        return close_answer;
    }
    Result<void> detach(HandleNumber number, std::uint32_t pid) override {
        const std::lock_guard lock(mutex_);
        detached_.emplace_back(number.value(), pid);
        return detach_answer;
    }

    [[nodiscard]] std::vector<std::uint64_t> closed() const {
        const std::lock_guard lock(mutex_);
        return closed_;
    }
    [[nodiscard]] std::vector<std::pair<std::uint64_t, std::uint32_t>> detached() const {
        const std::lock_guard lock(mutex_);
        return detached_;
    }

    Result<void> close_answer;
    Result<void> detach_answer;

  private:
    mutable std::mutex mutex_;
    std::vector<std::uint64_t> closed_;
    std::vector<std::pair<std::uint64_t, std::uint32_t>> detached_;
};

// A registered scheme and descriptions of it.
template <typename SchemeType = RecordingScheme>
struct RegisteredScheme {
    RegisteredScheme() : id(*registry.add(scheme)) {}

    scheme::DescriptionRef open(std::uint64_t number) const {
        return scheme::DescriptionRef::create(
            {.scheme = scheme, .scheme_id = id, .number = HandleNumber{number}});
    }

    scheme::EventRegistry events;
    scheme::SchemeRegistry registry{events};
    std::shared_ptr<SchemeType> scheme = std::make_shared<SchemeType>();
    SchemeId id;
};

}  // namespace halfcell::test
