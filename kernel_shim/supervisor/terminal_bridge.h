#pragma once

// Copies between the host's terminal and the guest's, both ways, on a thread of its own that sleeps while
// nothing happens. Keys go to the guest's line discipline, which knows the ones that are signals; the host's
// size and signals are passed on.

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "kernel_shim/base/result.h"
#include "kernel_shim/host/unique_fd.h"
#include "kernel_shim/supervisor/host_terminal.h"
#include "schemes/pty/terminal.h"

namespace halfcell::supervisor {

class TerminalBridge {
  public:
    // Makes the host's terminal raw and begins to copy. `hung_up` is called, on the bridge's thread, when the
    // host's terminal has gone. Both terminals outlive the bridge. EMFILE, ENOMEM, EAGAIN.
    static Result<std::unique_ptr<TerminalBridge>> start(HostTerminal& host, schemes::Terminal& guest,
                                                         std::function<void()> hung_up);
    // Shows what the guest has printed, and restores the host's terminal. Waits for both.
    ~TerminalBridge();
    TerminalBridge(const TerminalBridge&) = delete;
    TerminalBridge& operator=(const TerminalBridge&) = delete;

  private:
    TerminalBridge(HostTerminal& host, schemes::Terminal& guest, std::function<void()> hung_up,
                   std::shared_ptr<const host::UniqueFd> wake)
        : host_(host), guest_(guest), hung_up_(std::move(hung_up)), wake_(std::move(wake)) {}

    void run();
    void read_keys();
    void pass_keys_on();
    void show_output();
    void handle_signals();
    void host_has_gone();

    HostTerminal& host_;
    schemes::Terminal& guest_;
    const std::function<void()> hung_up_;
    // The guest's terminal keeps it too: it may have news after the bridge has gone.
    const std::shared_ptr<const host::UniqueFd> wake_;
    std::atomic<bool> stopping_{false};
    std::thread thread_;
    // --- the thread's own.
    bool gone_ = false;
    std::string keys_;    // read, not yet typed
    std::string output_;  // printed, not yet shown
};

}  // namespace halfcell::supervisor
