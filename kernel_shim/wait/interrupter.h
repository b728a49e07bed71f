#pragma once

// The one thread that gets workers out of calls of the host. It sleeps until somebody wants a call to end,
// then signals that worker until it has left the call: the first signal may come just before Linux is
// entered.

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>

#include "kernel_shim/base/guarded.h"
#include "kernel_shim/base/result.h"
#include "kernel_shim/wait/host_call.h"

namespace halfcell::wait {

// What it sends, to threads of this process only. Its handler does nothing, and Linux ignores it by default.
extern const int kInterruptSignal;

class Interrupter {
  public:
    static Interrupter& of_this_process();

    // Ends the thread. No call may be in progress any more, which is checked. Blocks until it has ended.
    struct End {
        void operator()(Interrupter* interrupter) const { interrupter->finish(); }
    };
    using Running = std::unique_ptr<Interrupter, End>;
    // Starts the thread and installs the handler. EAGAIN. One at a time.
    static Result<Running> start();
    // Runs `confine` on the thread and waits for it; from then on the thread needs to wait on and wake
    // futexes, to send kInterruptSignal, to ask what HostCall::Guest::waits asks, and to end.
    void confine(const std::function<void()>& confine);
    // The call in progress of this waiter's owner, if any, is to end: for good, or where the signals that
    // wait for the owner do not restart it. Any thread; may hold a waiter's lock.
    void break_for_good(const Waiter& waiter) { break_call(waiter, HostCall::Break::kFinal); }
    void break_for_signal(const Waiter& waiter) { break_call(waiter, HostCall::Break::kSignal); }

    // HostCall's own, on its thread.
    void add(HostCall& call);
    void remove(HostCall& call);
    void let_go_on(HostCall& call);

    // For tests and reports.
    struct Counts {
        std::uint64_t looks = 0;  // how often the thread went through the calls
        std::uint64_t signals = 0;
        std::uint64_t gone = 0;  // signals for guests that had vanished
    };
    [[nodiscard]] Counts counts() const;

  private:
    using Lock = std::unique_lock<LevelMutex<LockLevel::kAgent>>;

    void finish();
    void break_call(const Waiter& waiter, HostCall::Break how);
    void loop();
    bool signal_broken();

    mutable LevelMutex<LockLevel::kAgent> mutex_;
    std::condition_variable_any changed_;
    // Guarded by mutex_.
    HostCall* first_ = nullptr;
    const std::function<void()>* order_ = nullptr;
    bool fresh_ = false;  // a call is to end that was not signalled yet
    bool stop_ = false;
    Counts counts_;
    pid_t process_ = 0;   // ours, which the thread may not ask for; set by start()
    std::thread thread_;  // start() and finish()
};

}  // namespace halfcell::wait
