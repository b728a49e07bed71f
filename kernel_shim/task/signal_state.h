#pragma once

// What a context has registered about signals: where control goes, and the two pages it shares with the
// process manager. Source: kernel:src/context/context.rs SignalState.

#include <cstdint>

#include "abi/sigabi.h"
#include "kernel_shim/mem/grant.h"

namespace halfcell::task {

// The page a control structure lies in, held by frame: it outlives the mapping it was found through.
struct ControlPage {
    mem::MemoryRef object;
    std::uint64_t object_offset = 0;  // of the page inside the object
    std::uint64_t page_offset = 0;    // of the structure inside the page

    // The structure itself, shared with the guest; null where the object cannot be reached directly.
    template <typename T>
    [[nodiscard]] T* structure() const {
        std::byte* const base = object->direct();
        return base == nullptr ? nullptr : reinterpret_cast<T*>(base + object_offset + page_offset);
    }
};

struct SignalState {
    std::uint64_t user_handler = 0;
    std::uint64_t excp_handler = 0;  // 0: none
    ControlPage thread_control;      // abi::Sigcontrol
    ControlPage proc_control;        // abi::SigProcControl

    // Signals that wait and are allowed, bit signal-1. Any thread; a snapshot.
    [[nodiscard]] std::uint64_t pending_unblocked() const {
        const auto* thread = thread_control.structure<const abi::Sigcontrol>();
        const auto* process = proc_control.structure<const abi::SigProcControl>();
        if (thread == nullptr || process == nullptr) return 0;
        return abi::pending_unblocked(*thread, *process);
    }
};

}  // namespace halfcell::task
