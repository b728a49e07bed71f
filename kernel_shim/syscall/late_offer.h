#pragma once

// What a handler passes on where a scheme may answer the call late (scheme/late_reply.h).

#include <memory>
#include <utility>

#include "kernel_shim/scheme/late_reply.h"
#include "kernel_shim/task/context.h"

namespace halfcell::syscall {

class LateOffer final : public scheme::LateOffer {
  public:
    // What is passed here outlives the offer, which is the worker's own and lives as long as the handler.
    LateOffer(task::Context& context, std::uint32_t number, const std::shared_ptr<mem::AddressSpace>& space)
        : context_(context), number_(number), space_(space) {}

    // The description that the call is about, whose offset moves by the result.
    LateOffer& about(const scheme::DescriptionRef& description) {
        description_ = &description;
        return *this;
    }

    scheme::LateReply accept(const wait::Wait& wait, scheme::LateInterruption interruption) override {
        accepted_ = true;
        return context_.late_calls().begin({number_, space_, *description_}, wait, interruption);
    }
    // From then on the result of the handler means nothing.
    [[nodiscard]] bool accepted() const { return accepted_; }

  private:
    task::Context& context_;
    const std::uint32_t number_;
    const std::shared_ptr<mem::AddressSpace>& space_;
    const scheme::DescriptionRef* description_ = nullptr;
    bool accepted_ = false;
};

}  // namespace halfcell::syscall
