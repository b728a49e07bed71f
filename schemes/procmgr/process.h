#pragma once

// What the process manager knows of a process. Source: base:bootstrap/src/procmgr.rs Process, Thread.

#include <array>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kernel_shim/scheme/file_description.h"
#include "kernel_shim/task/context.h"
#include "schemes/procmgr/exit_status.h"

namespace halfcell::schemes::procmgr {

using Pid = std::uint32_t;

// Orphans become children of this process. The supervisor plays it: no program runs under the number.
inline constexpr Pid kInitPid = 1;

// Signals above this are queued with what their sender adds; those up to it are merged.
inline constexpr std::uint32_t kLastMergedSignal = 32;
inline constexpr std::uint32_t kQueuedSignals = 32;
inline constexpr std::size_t kQueueLimit = 32;

struct Identity {
    std::uint32_t ruid = 0;
    std::uint32_t euid = 0;
    std::uint32_t suid = 0;
    std::uint32_t rgid = 0;
    std::uint32_t egid = 0;
    std::uint32_t sgid = 0;
};

struct Thread {
    std::shared_ptr<task::Context> context;
    scheme::DescriptionRef kernel_handle;  // its thread handle in kernel.proc
};

enum class ProcessState : std::uint8_t { kRunning, kStopped, kExiting, kExited };

struct Process {
    Pid pid = 0;
    Pid parent = kInitPid;
    Pid group = kInitPid;
    Pid session = kInitPid;
    Identity identity;
    std::string name;
    std::uint32_t priority = abi::kPriorityDefault;
    bool setpgid_disabled = false;
    ProcessState state = ProcessState::kRunning;
    // Decided by Exit or a signal, before the last thread is gone; final once the state is kExited.
    std::optional<ExitStatus> ending;
    std::vector<std::shared_ptr<Thread>> threads;  // living ones, oldest first
    // The pages that were announced by SyncSigPctl, and by SyncSigTctl thread by thread.
    std::optional<task::ControlPage> signal_page;
    std::vector<std::pair<ContextId, task::ControlPage>> thread_pages;
    // What waits of each queued signal, the lowest first.
    std::array<std::deque<abi::RtSigInfo>, kQueuedSignals> queued;

    [[nodiscard]] bool alive() const {
        return state == ProcessState::kRunning || state == ProcessState::kStopped;
    }
    // What kernel.proc is to show of each of its contexts.
    [[nodiscard]] task::Attributes attributes() const {
        return {.pid = pid, .euid = identity.euid, .egid = identity.egid, .priority = priority, .name = name};
    }
    // Hands them to every thread. Takes the contexts' locks.
    void publish_attributes() const {
        for (const auto& thread : threads)
            thread->context->set_attributes(attributes());
    }
};

}  // namespace halfcell::schemes::procmgr
