#pragma once

// What a debugger needs of the programs it steers. Session speaks gdb's protocol on one side of it;
// kernel_target.h is the other side, tests have a fake.
//
// All-stop: either nothing runs, or what resume() was told to run. As soon as something happens everything is
// stopped again, and only then is it reported. What looks at programs or changes them is for when nothing
// runs. One thread calls it all.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "kernel_shim/base/result.h"
#include "kernel_shim/gdb/register_file.h"
#include "kernel_shim/gdb/thread_name.h"

namespace halfcell::gdb {

// Why a thread stopped, or that it is no more. Signals and calls are Redox's numbers.
struct Stop {
    enum class Cause : std::uint8_t {
        kSignal,       // `number` is about to be delivered
        kTrap,         // int3 was met: rip is its address
        kStep,         // a step was made, as ordered
        kInterrupted,  // by interrupt(), or by being attached
        kCallEntry,    // before call `number`
        kCallReturn,   // after it; rax holds the result
        kForked,       // made process `child`, whose thread is stopped too
        kExecuted,     // runs the program `path` now, at its entry
        kExited,       // the process ended with status `number`; `name.thread` is not meant
        kKilled,       // the process ended by signal `number`
        kNothingRuns,  // the threads that were let run have ended, others stand
    };
    ThreadName name;
    Cause cause = Cause::kInterrupted;
    std::uint64_t number = 0;
    ThreadName child{};
    std::string path{};
};

// How a thread is to run on, with which signal (Redox's number; 0: the one it stopped for is forgotten).
struct Resumption {
    ThreadName name;
    enum class Kind : std::uint8_t { kContinue, kStep } kind = Kind::kContinue;
    std::uint32_t signal = 0;
    // A step that goes on by itself while it arrives in [range_begin, range_end).
    std::uint64_t range_begin = 0;
    std::uint64_t range_end = 0;
};

// Which calls of a process stop it. Empty with `any`: all.
struct CallFilter {
    bool any = false;
    std::vector<std::uint32_t> numbers;
};

// A file as the debugged program would find it. Read-only.
struct FileStatus {
    std::uint32_t mode = 0;  // with the type, as in abi::Stat
    std::uint64_t size = 0;
    std::uint64_t modified = 0;  // seconds since 1970
};
class TargetFile {
  public:
    virtual ~TargetFile() = default;
    // Fewer bytes at the end. Errors of the scheme. Blocks as it does.
    virtual Result<std::size_t> read(std::uint64_t offset, std::span<std::byte> to) = 0;
    virtual Result<FileStatus> status() = 0;
};

// Unless said otherwise: ESRCH where the process or thread is gone.
class Target {
  public:
    virtual ~Target() = default;

    // --- what there is.
    [[nodiscard]] virtual std::vector<ThreadName> threads() = 0;
    // What a person calls the thread: the program's name, and what it does.
    virtual std::string thread_title(const ThreadName& name) = 0;
    // Whether the process ran before the debugger came: then it is not killed when the debugger goes.
    [[nodiscard]] virtual bool attached(std::uint64_t process) const = 0;
    // The path of the program in the guest's namespace; ENOENT where it is not known.
    virtual Result<std::string> program_path(std::uint64_t process) = 0;
    // The auxiliary vector as the program found it; ENOENT where it is not known.
    virtual Result<std::string> auxiliary_vector(std::uint64_t process) = 0;

    // --- registers and memory. What the CPU has beside SSE is the same for all threads.
    [[nodiscard]] virtual Vectors vectors() const = 0;
    virtual Result<RegisterSet> registers(const ThreadName& name) = 0;
    // EINVAL for values the CPU refuses, such as a segment base that is not canonical.
    virtual Result<void> set_registers(const ThreadName& name, const RegisterSet& registers) = 0;
    // EFAULT where the first byte is not mapped; else how much was read, up to the first that is not.
    virtual Result<std::size_t> read_memory(std::uint64_t process, std::uint64_t address,
                                            std::span<std::byte> to) = 0;
    // Whatever the pages' protection. EFAULT where a byte is not mapped; bytes before it may be written.
    virtual Result<void> write_memory(std::uint64_t process, std::uint64_t address,
                                      std::span<const std::byte> from) = 0;

    // --- running.
    // Runs the threads that are named, and those they make; others stay. Does not wait.
    virtual Result<void> resume(std::span<const Resumption> resumptions) = 0;
    // Asks for a stop with kInterrupted, if nothing else happens first. Any time; does not wait.
    virtual void interrupt() = 0;
    // Readable when something may have happened: then call take_stops().
    [[nodiscard]] virtual int event_file() const = 0;
    // What happened, in order, at most one a thread. Blocks until everything stands, if something did; empty
    // while everything runs on.
    virtual std::vector<Stop> take_stops() = 0;
    [[nodiscard]] virtual bool running() const = 0;
    // Which calls stop the process (none at first), and which signals do not (of all programs; Redox's
    // numbers).
    virtual Result<void> catch_calls(std::uint64_t process, CallFilter filter) = 0;
    virtual void pass_signals(std::vector<std::uint32_t> signals) = 0;
    // Lets the process run on as if it had never been debugged. Its memory is the caller's to restore first.
    virtual Result<void> detach(std::uint64_t process) = 0;
    // Ends the process and waits for that; it is not reported as a stop.
    virtual Result<void> kill(std::uint64_t process) = 0;

    // --- the files the process sees. Errors of its schemes; blocks as they do.
    virtual Result<std::unique_ptr<TargetFile>> open_file(std::uint64_t process, const std::string& path) = 0;
    virtual Result<std::string> read_link(std::uint64_t process, const std::string& path) = 0;
};

}  // namespace halfcell::gdb
