#pragma once

// What kernel objects need of the host, and nothing else: one Machine holds the Linux side of one address
// space. agent/ implements it with a process and its agent thread; tests use a fake.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "kernel_shim/base/result.h"
#include "kernel_shim/machine/guest_thread.h"
#include "kernel_shim/machine/memory_object.h"
#include "kernel_shim/machine/page_range.h"

namespace halfcell::machine {

// Reading is never withheld: on Redox every grant is readable. Source: kernel:src/context/memory.rs
// page_flags.
struct Protection {
    bool write = false;
    bool execute = false;
    friend constexpr bool operator==(Protection, Protection) = default;
};

// Whether a mapping's pages are made present at once (saves a fault per page on small mappings).
enum class Populate { kOnTouch, kNow };

// Whose the stores into a mapping are. kPrivate: the process's own; until it stores into a page it sees the
// object's bytes there, which nobody may change any more.
enum class Sharing { kShared, kPrivate };

// One step of Machine::map_all.
struct Mapping {
    PageRange range;
    const MemoryObject* object = nullptr;  // null: the range is emptied
    std::uint64_t offset = 0;
    Protection protection;
    Populate populate = Populate::kOnTouch;
    Sharing sharing = Sharing::kShared;
};

// How far a batch came.
struct [[nodiscard]] Progress {
    std::size_t done = 0;        // steps that were made
    std::optional<Errno> error;  // of the step after these; none when all were made
};

class Machine {
  public:
    // Ends the process and waits until nothing of it runs any more, so that the memory it saw may be reused.
    // Blocks: hold no lock, least of all one the death callback takes. End the threads first.
    virtual ~Machine() = default;

    // Shows bytes [offset, offset + range.size) of `object` at `range`, shared, replacing what is mapped
    // there. The caller has checked the range (aligned, inside [0, kHostUserEnd), outside kReservedRange).
    // ENOMEM when the host refuses, ESRCH when the process is gone. Blocks for one agent command (some
    // microseconds).
    virtual Result<void> map(PageRange range, const MemoryObject& object, std::uint64_t offset,
                             Protection protection, Populate populate) = 0;

    // Removes whatever is mapped in the range; holes are fine. Same errors.
    virtual Result<void> unmap(PageRange range) = 0;

    // Changes the protection of a range that is mapped throughout. Same errors.
    virtual Result<void> protect(PageRange range, Protection protection) = 0;

    // Makes several mappings, in order, up to the first that fails: what was mapped there may be gone. Each
    // replaces what is there in one stroke: a thread that runs meanwhile meets the old bytes or the new ones.
    // Errors as map. Blocks for one agent command per few dozen steps.
    virtual Progress map_all(std::span<const Mapping> mappings) = 0;

    // Reads and writes as the process would: the only way to bytes of a kPrivate mapping. EFAULT at a byte
    // that is not mapped, or not writable; bytes before it may have been copied. ESRCH when the process is
    // gone. A word that is being stored meanwhile may arrive torn. Blocks for the copy alone.
    virtual Result<void> read(std::uint64_t address, std::span<std::byte> to) const = 0;
    virtual Result<void> write(std::uint64_t address, std::span<const std::byte> from) = 0;

    // A second process that shows what this one shows at this instant: the same bytes where mappings are
    // shared, a copy of its own where they are private. It has no threads yet. EAGAIN or ENOMEM when the host
    // has no process to give, ESRCH when this one is gone. Blocks while Linux copies the page tables
    // (some milliseconds per GiB of private memory). One call at a time.
    virtual Result<std::unique_ptr<Machine>> fork() = 0;

    // Starts one more guest thread with these registers; it stays in the stub until its worker first calls
    // next(). EAGAIN when the host has no thread to give, ESRCH when the process is gone.
    virtual Result<std::unique_ptr<GuestThread>> start_thread(const ThreadRegisters& registers) = 0;

    // `callback` runs once, on the reaper's thread, when the process has ended for whatever reason; at
    // once if it already has. Set it before the first thread starts. It may take locks; it must not block.
    virtual void on_death(std::function<void()> callback) = 0;

    // Ends the process and every thread in it. Idempotent, any thread, does not wait.
    virtual void kill() = 0;
};

class MachineFactory {
  public:
    virtual ~MachineFactory() = default;

    // A new, empty Linux process. EAGAIN or ENOMEM when the host has none to give.
    virtual Result<std::unique_ptr<Machine>> create() = 0;

    // The lowest address a process of this host may map: vm.mmap_min_addr, or one page where the supervisor
    // may go below it. Page-aligned, the same throughout a run.
    [[nodiscard]] virtual std::uint64_t lowest_mappable() const { return kPageSize; }
};

}  // namespace halfcell::machine
