#include "kernel_shim/scheme/file_description.h"

#include "kernel_shim/base/scope_exit.h"
#include "kernel_shim/scheme/scheme.h"

namespace halfcell::scheme {

FileDescription::FileDescription(DescriptionInit init)
    : scheme_(std::move(init.scheme)),
      scheme_id_(init.scheme_id),
      number_(init.number),
      positioned_(init.positioned),
      offset_(init.offset),
      flags_(init.flags) {}

Result<Scheme*> FileDescription::scheme() const {
    if (scheme_ == nullptr || !scheme_->registered()) return fail(Errno::kENODEV);
    return scheme_.get();
}

Result<std::shared_ptr<Scheme>> FileDescription::shared_scheme() const {
    if (scheme_ == nullptr || !scheme_->registered()) return fail(Errno::kENODEV);
    return scheme_;
}

void FileDescription::advance(std::uint64_t count) {
    std::uint64_t old = offset_.load(std::memory_order_relaxed);
    std::uint64_t next = 0;
    do {
        if (__builtin_add_overflow(old, count, &next)) next = UINT64_MAX;
    } while (!offset_.compare_exchange_weak(old, next, std::memory_order_relaxed));
}

void FileDescription::release_share() {
    if (shares_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
}

DescriptionRef DescriptionRef::create(DescriptionInit init) {
    DescriptionRef reference;
    reference.description_ = new FileDescription(std::move(init));
    return reference;
}

DescriptionRef::DescriptionRef(const DescriptionRef& other) : description_(other.description_) {
    if (description_ != nullptr) description_->references_.fetch_add(1, std::memory_order_relaxed);
}

DescriptionRef::~DescriptionRef() {
    // Whoever only drops a reference has no use for what the scheme says about the close.
    (void)close();
}

Result<void> DescriptionRef::close() {
    FileDescription* const description = std::exchange(description_, nullptr);
    if (description == nullptr) return {};
    if (description->references_.fetch_sub(1, std::memory_order_acq_rel) != 1) return {};
    const ScopeExit release([description] { description->release_share(); });
    if (description->scheme_ != nullptr) description->scheme_->forget_events(description->number());
    Scheme* const scheme = TRY(description->scheme());
    return scheme->close(description->number());
}

bool DescriptionRef::exclusive() const {
    return description_ != nullptr && description_->references_.load(std::memory_order_acquire) == 1;
}

WeakDescriptionRef::WeakDescriptionRef(const DescriptionRef& reference)
    : description_(reference.description_) {
    if (description_ != nullptr) description_->shares_.fetch_add(1, std::memory_order_relaxed);
}

WeakDescriptionRef::~WeakDescriptionRef() {
    if (description_ != nullptr) description_->release_share();
}

DescriptionRef WeakDescriptionRef::lock() const {
    DescriptionRef reference;
    if (description_ == nullptr) return reference;
    std::uint32_t count = description_->references_.load(std::memory_order_relaxed);
    do {
        if (count == 0) return reference;
    } while (!description_->references_.compare_exchange_weak(count, count + 1, std::memory_order_acq_rel));
    reference.description_ = description_;
    return reference;
}

void close_in_turn(std::vector<DescriptionRef> references) {
    static thread_local std::vector<DescriptionRef>* closing = nullptr;
    if (closing != nullptr) {
        for (auto& reference : references)
            closing->push_back(std::move(reference));
        return;
    }
    closing = &references;
    while (!references.empty()) {
        DescriptionRef last = std::move(references.back());
        references.pop_back();
        (void)last.close();
    }
    closing = nullptr;
}

}  // namespace halfcell::scheme
