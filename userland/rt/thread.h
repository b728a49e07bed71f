#pragma once

// Threads that share the address space and the file table of their creator.
// Source: relibc:redox-rt/src/thread.rs, relibc:src/pthread/mod.rs.

#include <cstddef>
#include <cstdint>

#include "userland/rt/syscall.h"

namespace halfcell::userland {

struct ThreadControl;

// A running or finished thread. Must be joined before it goes out of scope.
class Thread {
  public:
    using Entry = void (*)(void* argument);

    // Starts entry(argument) on a stack of its own. Errors are the process manager's, or ENOMEM.
    static Result<Thread> start(Entry entry, void* argument, std::size_t stack_size = 64 * 1024);

    Thread(Thread&& other) noexcept : control_(other.control_) { other.control_ = nullptr; }
    Thread& operator=(Thread&&) = delete;
    ~Thread();

    // Blocks until the entry function has returned.
    void join();

  private:
    explicit Thread(ThreadControl* control) : control_(control) {}
    ThreadControl* control_;
};

}  // namespace halfcell::userland
