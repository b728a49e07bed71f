#pragma once

// Bytes that grants show to a guest, whoever holds them: pool frames or a host file.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "kernel_shim/base/result.h"

namespace halfcell::machine {

// Where the host finds an object: an open file of the supervisor and the offset of the object's first byte.
struct Backing {
    int file = -1;
    std::uint64_t offset = 0;
};

// Bytes [offset, offset + size) of an object.
struct Extent {
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
};

// Shared by every grant that shows it; the bytes are given back when the last reference goes.
class MemoryObject {
  public:
    MemoryObject() = default;
    MemoryObject(const MemoryObject&) = delete;
    MemoryObject& operator=(const MemoryObject&) = delete;
    virtual ~MemoryObject() = default;

    // Bytes, a multiple of the page size. Immutable.
    [[nodiscard]] virtual std::uint64_t size() const = 0;

    // For Machine::map. Valid as long as the object lives. Immutable.
    [[nodiscard]] virtual Backing backing() const = 0;

    // The supervisor's own mapping of byte 0, `size()` bytes long; nullptr where the object has none (too
    // large, or a host file whose pages may vanish). Touching it never faults.
    [[nodiscard]] virtual std::byte* direct() const = 0;

    // Copies out of or into the object; [offset, offset + span.size()) must lie inside it. EIO or ENOMEM
    // from the host; bytes before the failing one may have been copied. Blocks for host I/O at most.
    virtual Result<void> read(std::uint64_t offset, std::span<std::byte> to) const = 0;
    virtual Result<void> write(std::uint64_t offset, std::span<const std::byte> from) = 0;

    // The first stretch at or after `offset` that may hold anything but zeros; empty at size() where only
    // zeros follow. Asking makes no page present. An object that does not know says: all the rest.
    [[nodiscard]] virtual Extent next_data(std::uint64_t offset) const { return {offset, size() - offset}; }

    // Nobody will look at these bytes (whole pages) again: their frames may be given back before the object
    // goes. At most once for each page. Does nothing where that is not possible.
    virtual void discard(Extent) {}
};

using MemoryRef = std::shared_ptr<MemoryObject>;

// Counts against the limit of a pool without being memory of it: what a process may come to own by storing
// into mappings that are private to it. Gone when the last reference goes.
class Charge {
  public:
    Charge() = default;
    Charge(const Charge&) = delete;
    Charge& operator=(const Charge&) = delete;
    virtual ~Charge() = default;

    // So much less is counted from now on; never more in all than was reserved. Any thread.
    virtual void release(std::uint64_t size) = 0;
};

using ChargeRef = std::shared_ptr<Charge>;

// Where anonymous memory comes from.
class Pool {
  public:
    virtual ~Pool() = default;

    // `size` bytes (a positive multiple of the page size), zero-filled, populated on first touch. ENOMEM when
    // the run's memory limit would be passed. Safe from any thread; takes the pool lock.
    virtual Result<MemoryRef> allocate(std::uint64_t size) = 0;

    // A charge of `size` bytes. ENOMEM and locking as allocate.
    virtual Result<ChargeRef> reserve(std::uint64_t size) = 0;

    // Bytes handed out or reserved now, and the limit (UINT64_MAX where there is none).
    [[nodiscard]] virtual std::uint64_t used() const = 0;
    [[nodiscard]] virtual std::uint64_t limit() const = 0;
};

}  // namespace halfcell::machine
