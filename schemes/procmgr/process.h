#pragma once

// What the process manager knows of a process. Source: base:bootstrap/src/procmgr.rs Process, Thread.

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "abi/sigabi.h"
#include "kernel_shim/scheme/file_description.h"
#include "kernel_shim/task/context.h"
#include "kernel_shim/wait/wait_queue.h"
#include "schemes/procmgr/exit_status.h"

namespace halfcell::schemes::procmgr {

using Pid = std::uint32_t;

// Orphans become children of this process, which is in the table like any other, but without threads: the
// supervisor plays it. What ends as its child is forgotten at once, and signals to it are lost on it.
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
    scheme::DescriptionRef kernel_handle;          // its thread handle in kernel.proc
    std::optional<task::ControlPage> signal_page;  // announced by SyncSigTctl

    // The words it shares with us; null before it has announced them.
    [[nodiscard]] abi::Sigcontrol* control() const {
        return signal_page ? signal_page->structure<abi::Sigcontrol>() : nullptr;
    }
};

enum class ProcessState : std::uint8_t { kRunning, kStopped, kExiting, kExited };

// What a parent has not yet been told about a child. A newer change replaces an unread one.
struct ChildChange {
    enum class Kind : std::uint8_t { kTerminated, kStopped, kContinued };
    Kind kind = Kind::kTerminated;
    std::int32_t wait_status = 0;
};

struct Process {
    Pid pid = 0;
    Pid parent = kInitPid;
    Pid group = kInitPid;
    Pid session = kInitPid;
    Identity identity;
    std::string name;
    std::uint32_t priority = abi::kPriorityDefault;
    bool setpgid_disabled = false;
    // The supervisor waits for it, although it is a child of init.
    bool awaited_by_supervisor = false;
    ProcessState state = ProcessState::kRunning;
    // Decided by Exit or a signal, before the last thread is gone; final once the state is kExited.
    std::optional<ExitStatus> ending;
    std::vector<std::shared_ptr<Thread>> threads;  // living ones, oldest first
    // The page that was announced by SyncSigPctl.
    std::optional<task::ControlPage> signal_page;
    // What has come for a forked process that nobody has announced a page of yet: signal and sender.
    std::map<std::uint32_t, std::uint64_t> early_signals;
    // What waits of each queued signal, by its number.
    std::map<std::uint32_t, std::deque<abi::RtSigInfo>> queued;
    // Its children's news, by pid, and whoever waits for them. The queue outlives the process where a holder
    // of its descriptor still waits.
    std::map<Pid, ChildChange> changes;
    std::shared_ptr<wait::WaitQueue> waiting = std::make_shared<wait::WaitQueue>();
    // Descriptions of the process and its threads that programs may hold.
    std::uint32_t descriptions = 0;

    [[nodiscard]] bool alive() const {
        return state == ProcessState::kRunning || state == ProcessState::kStopped;
    }
    // Whether any of its threads may have run.
    [[nodiscard]] bool started() const {
        return std::ranges::any_of(threads, [](const auto& thread) { return thread->context->launched(); });
    }
    // The words its threads share with us; null before they were announced.
    [[nodiscard]] abi::SigProcControl* control() const {
        return signal_page ? signal_page->structure<abi::SigProcControl>() : nullptr;
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

using ProcessMap = std::map<Pid, Process>;

// Whether a group has members and all of them are cut off from a parent that could control them: the parent
// is in the group itself, or in another session. Nobody could continue its members, so job-control signals
// do not stop them. Source: base:bootstrap/src/procmgr.rs pgrp_is_orphaned.
[[nodiscard]] bool group_is_orphaned(const ProcessMap& processes, Pid group);

}  // namespace halfcell::schemes::procmgr
