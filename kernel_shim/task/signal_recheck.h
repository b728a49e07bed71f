#pragma once

// Looks again at contexts whose signals could not be delivered because the program inhibited it: a program
// that clears the flag makes no call, and upstream notices at the next timer tick.
// Source: kernel:src/context/signal.rs, kernel:src/context/switch.rs tick.

#include <condition_variable>
#include <memory>
#include <thread>
#include <vector>

#include "kernel_shim/base/guarded.h"

namespace halfcell::task {

class Context;

class SignalRecheck {
  public:
    SignalRecheck() = default;
    SignalRecheck(const SignalRecheck&) = delete;
    SignalRecheck& operator=(const SignalRecheck&) = delete;
    // Ends the thread. No context may be added any more.
    ~SignalRecheck();

    // Has the context parked once more about a tick from now, if it then still has a signal to take. The
    // first call starts the thread, which sleeps while nothing is to be looked at. Where the host has no
    // thread to give, the signal waits for the next one. Any thread; does not wait.
    void add(std::weak_ptr<Context> context);

  private:
    void run();

    LevelMutex<LockLevel::kObject> mutex_;
    std::condition_variable_any changed_;
    std::vector<std::weak_ptr<Context>> waiting_;  // guarded by mutex_
    bool ending_ = false;                          // guarded by mutex_
    std::thread thread_;                           // started under mutex_
};

}  // namespace halfcell::task
