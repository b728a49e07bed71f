#pragma once

// A second context for a probe: what blocks, crashes or is stopped in it is watched from the first.
// Source: relibc:redox-rt/src/thread.rs rlct_clone_impl, kernel:src/scheme/proc.rs.

#include <string_view>

#include "userland/conform/calls.h"
#include "userland/conform/surroundings.h"

namespace halfcell::userland::conform {

using Status = abi::ContextStatus;
using Verb = abi::ContextVerb;

using ContextEntry = void (*)(uint64_t argument);

// A new context with a stack in this address space, on which its beginning is written down.
struct LaidOut {
    uint64_t thread;  // the descriptor
    uint64_t top;     // of the stack
};
// It will run entry(argument), and end then. Fails the probe (so not for the runner) where it cannot be made.
LaidOut lay_out_context(ContextEntry entry, uint64_t argument);
// Gives it an address space, which must have the stack, and a file table; what the last call answered.
uint64_t furnish_context(const LaidOut& context, uint64_t space, uint64_t table);

class Context {
  public:
    // Shares this context's space and table. Fails the probe where it cannot be made.
    Context(ContextEntry entry, uint64_t argument = 0);
    // Made and started.
    static Context started(ContextEntry entry, uint64_t argument = 0);

    [[nodiscard]] uint64_t fd() const { return fd_; }
    uint64_t start() const;
    // A read of its status handle: the status alone, and all of it.
    [[nodiscard]] Status status() const;
    [[nodiscard]] abi::CtxtStsBuf full_status() const;
    // A write of a verb to a fresh status handle.
    uint64_t verb(Verb verb) const;

    // Waits until its status is this; fails the probe after some seconds. The context must be on its way.
    void wait_for(Status status) const;
    // Waits until it has ended, however; the status then.
    Status wait_for_end() const;

  private:
    uint64_t fd_;
};

// Writes one word to a fresh handle `name` of a context: what the write answered.
uint64_t write_word(uint64_t thread, std::string_view name, uint64_t value);

// What ends a context that runs entry(argument) must be this exception.
struct Fault {
    uint64_t kind;
    uint64_t code = 0;
    uint64_t address = 0;
};
void expect_fault(std::string_view what, ContextEntry entry, uint64_t argument, Fault fault);
// It must end by itself.
void expect_no_fault(std::string_view what, ContextEntry entry, uint64_t argument);

// A little while, for what nothing announces.
void pause();

}  // namespace halfcell::userland::conform
