#pragma once

// The shared open-file object behind descriptors. Source: kernel:src/context/file.rs FileDescription.

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "kernel_shim/base/ids.h"
#include "kernel_shim/base/result.h"

namespace halfcell::scheme {

class EventRegistry;
class Scheme;

// What was opened, where, and how it behaves. `positioned`: the kernel keeps the offset.
struct DescriptionInit {
    std::shared_ptr<Scheme> scheme;  // null: the scheme never existed; every use is ENODEV
    SchemeId scheme_id;
    HandleNumber number;
    std::uint64_t offset = 0;
    std::uint32_t flags = 0;
    bool positioned = false;
};

class FileDescription {
  public:
    FileDescription(const FileDescription&) = delete;
    FileDescription& operator=(const FileDescription&) = delete;

    // The scheme that serves it; ENODEV once that scheme has been unregistered. Any thread, does not block.
    [[nodiscard]] Result<Scheme*> scheme() const;
    // The same, shared: for a description made from this one.
    [[nodiscard]] Result<std::shared_ptr<Scheme>> shared_scheme() const;
    [[nodiscard]] SchemeId scheme_id() const { return scheme_id_; }
    [[nodiscard]] HandleNumber number() const { return number_; }

    [[nodiscard]] bool positioned() const { return positioned_; }
    [[nodiscard]] std::uint64_t offset() const { return offset_.load(std::memory_order_relaxed); }
    void set_offset(std::uint64_t offset) { offset_.store(offset, std::memory_order_relaxed); }
    // offset = saturating(current offset + count), as after a read or write.
    void advance(std::uint64_t count);

    // Open flags without O_CLOEXEC, replaceable by F_SETFL.
    [[nodiscard]] std::uint32_t flags() const { return flags_.load(std::memory_order_relaxed); }
    void set_flags(std::uint32_t flags) { flags_.store(flags, std::memory_order_relaxed); }

    // NOTIFY_ON_NEXT_DETACH: closing any descriptor of it tells the scheme.
    [[nodiscard]] bool notify_on_detach() const { return notify_on_detach_.load(std::memory_order_relaxed); }
    void set_notify_on_detach(bool on) { notify_on_detach_.store(on, std::memory_order_relaxed); }

  private:
    friend class DescriptionRef;
    friend class WeakDescriptionRef;
    explicit FileDescription(DescriptionInit init);
    // Ends a share in the object itself; the last one deletes it.
    void release_share();

    const std::shared_ptr<Scheme> scheme_;
    const SchemeId scheme_id_;
    const HandleNumber number_;
    const bool positioned_;
    std::atomic<std::uint64_t> offset_;
    std::atomic<std::uint32_t> flags_;
    std::atomic<bool> notify_on_detach_{false};
    std::atomic<std::uint32_t> references_{1};
    std::atomic<std::uint32_t> shares_{1};  // all references together have one, each weak reference another
};

// A counted reference. Dropping the last one closes the handle in its scheme (and forgets its event
// registrations), whichever path drops it: upstream loses that close on several paths, we do not (safer).
// Never drop one while holding a lock: the scheme is called.
class DescriptionRef {
  public:
    DescriptionRef() = default;
    static DescriptionRef create(DescriptionInit init);
    DescriptionRef(const DescriptionRef& other);
    DescriptionRef(DescriptionRef&& other) noexcept
        : description_(std::exchange(other.description_, nullptr)) {}
    DescriptionRef& operator=(DescriptionRef other) noexcept {
        std::swap(description_, other.description_);
        return *this;
    }
    ~DescriptionRef();

    // Drops the reference. When it was the last, returns what the scheme's close said (ENODEV when the scheme
    // is gone). May block as long as that close does.
    Result<void> close();

    explicit operator bool() const { return description_ != nullptr; }
    FileDescription* operator->() const { return description_; }
    FileDescription& operator*() const { return *description_; }
    // True where nobody else holds it. A snapshot.
    [[nodiscard]] bool exclusive() const;
    friend bool operator==(const DescriptionRef&, const DescriptionRef&) = default;

  private:
    friend class WeakDescriptionRef;
    FileDescription* description_ = nullptr;
};

// Remembers a description without keeping its handle open: once the last reference has gone, it leads
// nowhere.
class WeakDescriptionRef {
  public:
    WeakDescriptionRef() = default;
    explicit WeakDescriptionRef(const DescriptionRef& reference);
    WeakDescriptionRef(WeakDescriptionRef&& other) noexcept
        : description_(std::exchange(other.description_, nullptr)) {}
    WeakDescriptionRef& operator=(WeakDescriptionRef other) noexcept {
        std::swap(description_, other.description_);
        return *this;
    }
    ~WeakDescriptionRef();

    // A reference to the description; null where it has been closed, or never was. Any thread.
    [[nodiscard]] DescriptionRef lock() const;

  private:
    FileDescription* description_ = nullptr;
};

// Drops references one after the other even where dropping one drops further ones (a pipe that holds the last
// reference to a pipe, and so on): a chain of any length takes one stack frame. Hold no lock.
void close_in_turn(std::vector<DescriptionRef> references);

}  // namespace halfcell::scheme
