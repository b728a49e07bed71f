#pragma once

// One signal on its way into processes: what it does under the table's lock, and what is left to do after.
// Source: base:bootstrap/src/procmgr.rs on_send_sig; spec userland-contract 2.8.

#include <optional>
#include <vector>

#include "abi/proc_call.h"
#include "kernel_shim/base/result.h"
#include "schemes/procmgr/process.h"

namespace halfcell::schemes::procmgr {

// What to do about a thread or process once the table's lock is free. Stopping and continuing is no effect:
// it happens under the lock, so that whoever hears of a stop and continues the process finds it stopped.
struct SignalEffect {
    enum class Kind : std::uint8_t { kRaised, kStart, kExit };
    Kind kind;
    std::shared_ptr<task::Context> context;  // all but kExit
    Pid pid = 0;                             // kExit
    std::uint32_t signal = 0;                // kExit
};
using SignalEffects = std::vector<SignalEffect>;

struct Sender {
    Pid pid = 0;
    std::uint32_t ruid = 0;
    std::uint32_t euid = 0;

    static Sender of(const Process& process) {
        return {process.pid, process.identity.ruid, process.identity.euid};
    }
    // The supervisor, and servers that act with its rights.
    static Sender init() { return {kInitPid, 0, 0}; }
};

class SignalDelivery {
  public:
    // `info`: what Sigq adds; null for Kill. `about_stop`: a SIGCHLD that tells of a stop or continuation.
    SignalDelivery(ProcessMap& processes, Sender sender, std::uint32_t signal, SignalEffects& effects,
                   const abi::RtSigInfo* info = nullptr, bool about_stop = false)
        : processes_(processes),
          sender_(sender),
          signal_(signal),
          effects_(effects),
          info_(info),
          about_stop_(about_stop) {}

    // Sends to a process, or to one of its threads alone. EPERM, ESRCH (a number that Kill or Sigq does not
    // carry), EAGAIN (queue full). The table's lock is held.
    Result<void> to(Process& process) { return send(process, nullptr); }
    Result<void> to(Process& process, Thread& thread) { return send(process, &thread); }

  private:
    Result<void> send(Process& process, Thread* thread);
    void continue_process(Process& process);
    void stop_process(Process& process);
    [[nodiscard]] bool stops(const Process& process) const;
    void end_process(const Process& process);
    void raise_in_thread(Thread& thread);
    Result<void> raise_in_process(Process& process, abi::SigProcControl& page);
    void interrupt_one(const Process& process);
    void tell_parent(const Process& process, ChildChange change);

    ProcessMap& processes_;
    const Sender sender_;
    const std::uint32_t signal_;
    SignalEffects& effects_;
    const abi::RtSigInfo* const info_;
    const bool about_stop_;
};

}  // namespace halfcell::schemes::procmgr
