#pragma once

// The process manager, in the supervisor instead of in a program of its own: the scheme `proc`, whose
// descriptors are processes and threads. Source: base:bootstrap/src/procmgr.rs.

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>

#include "kernel_shim/scheme/handle_map.h"
#include "kernel_shim/scheme/scheme.h"
#include "kernel_shim/task/kernel.h"
#include "schemes/kernel/proc/proc_scheme.h"
#include "schemes/procmgr/process_table.h"

namespace halfcell::schemes::procmgr {

// The arguments of a CALL: its metadata words after the verb.
class CallWords {
  public:
    explicit CallWords(std::span<const std::uint64_t> words) : words_(words) {}
    // EINVAL where the caller sent fewer.
    [[nodiscard]] Result<std::uint64_t> operator[](std::size_t index) const {
        if (index >= words_.size()) return fail(Errno::kEINVAL);
        return words_[index];
    }

  private:
    std::span<const std::uint64_t> words_;
};

class ProcmgrScheme : public scheme::Scheme, public std::enable_shared_from_this<ProcmgrScheme> {
  public:
    // Both are registered and outlive the scheme's use. The scheme must live in a shared_ptr.
    ProcmgrScheme(task::Kernel& kernel, std::shared_ptr<proc::ProcScheme> contexts)
        : kernel_(kernel), contexts_(std::move(contexts)) {}

    // --- for the supervisor.

    struct InitialProcess {
        Pid pid;
        scheme::DescriptionRef proc_fd;
        scheme::DescriptionRef thread_fd;
    };
    // Of init, as upstream's getty leaves it; or of its own, as a login on a terminal makes it.
    enum class InitialSession : std::uint8_t { kOfInit, kOwn };
    // Makes a context that has not started the first thread of a new process: child of pid 1. `attributes`
    // give its name, priority and ids (real, effective and saved alike); its pid is ignored. The scheme must
    // be registered.
    InitialProcess create_initial(const std::shared_ptr<task::Context>& context,
                                  const task::Attributes& attributes,
                                  InitialSession session = InitialSession::kOfInit);
    // Waits until such a process has ended, and forgets it. ESRCH. Blocks.
    Result<ExitStatus> wait_initial(Pid pid) { return processes_.wait_and_reap(pid); }
    // Ends a process as by `signal`, from outside. EAGAIN when it is ending; SIGKILL then ends what a tracer
    // still looks at. ESRCH.
    Result<void> terminate(Pid pid, std::uint32_t signal);
    // Sends a signal with root's rights, as init: `target` as Kill has it (a pid, or a group negated). ESRCH.
    Result<void> signal_as_init(std::int64_t target, std::uint32_t signal);
    // The ids of a process, for other schemes. ESRCH.
    Result<Identity> identity_of(Pid pid) {
        return processes_.with(pid,
                               [](const Process& process) -> Result<Identity> { return process.identity; });
    }

    // What is known of every process, init included, by pid.
    struct Overview {
        Pid pid;
        Pid parent;
        Pid group;
        Pid session;
        ProcessState state;
        std::string name;
    };
    [[nodiscard]] std::vector<Overview> overview();

    // --- Scheme.

    [[nodiscard]] std::string_view name() const override { return "proc"; }
    Result<scheme::OpenedHandle> root() override;
    // From the root only (EACCES): "PID/trace", "PID/mem" and "PID/regs/…" of a process the caller may trace
    // (EPERM; ESRCH; EBUSY where another traces it), with O_TRUNC, O_EXCL and O_NONBLOCK; "ps";
    // "proc-creds-capability" for user 0 (EACCES), read-only (EINVAL); "init" is taken (EEXIST). ENOENT.
    Result<scheme::OpenResult> openat(const scheme::Caller& caller, HandleNumber base, std::string_view path,
                                      std::uint64_t flags, std::uint32_t fcntl_flags) override;
    // On a process: "fork", whose result is the child's descriptor, "new-thread", "thread-N" (EINVAL, ENOENT,
    // EBADFD; EAGAIN past the limit of contexts). On a thread: the names of kernel.proc, whose handles are
    // returned.
    Result<scheme::OpenResult> dup(const scheme::Caller& caller, HandleNumber number,
                                   const mem::UserIn& name) override;
    // On a process: abi::ProcMeta, whole (EBADF), whatever the offset; ESRCH. "ps": its text.
    Result<std::uint64_t> read_at(const scheme::Caller& caller, HandleNumber number, const mem::UserOut& to,
                                  std::uint64_t offset, scheme::TransferFlags flags) override;
    // abi::ProcCall on a process, abi::ThreadCall on a thread.
    Result<std::uint64_t> call(const scheme::Caller& caller, HandleNumber number,
                               const mem::UserInOut& payload, std::uint64_t flags,
                               std::span<const std::uint64_t> metadata) override;
    Result<std::uint64_t> fsize(const scheme::Caller& caller, HandleNumber number) override;
    Result<void> fstat(const scheme::Caller& caller, HandleNumber number, const mem::UserOut& to) override;
    Result<std::uint64_t> fpath(const scheme::Caller& caller, HandleNumber number,
                                const mem::UserOut& to) override;
    Result<void> close(HandleNumber number) override;

  private:
    struct RootHandle {};
    struct CredentialsHandle {};
    struct PsHandle {
        std::string text;
    };
    struct ProcessHandle {
        Pid pid;
    };
    struct ThreadHandle {
        Pid pid;
        std::shared_ptr<Thread> thread;
    };
    using Handle = std::variant<RootHandle, CredentialsHandle, PsHandle, ProcessHandle, ThreadHandle>;

    HandleNumber add(Handle handle);
    scheme::DescriptionRef describe(HandleNumber number);
    // A description of a kernel.proc handle, with the flags of those the kernel hands out.
    scheme::DescriptionRef describe_kernel(scheme::OpenedHandle handle, std::uint32_t more_flags = 0);
    void watch(Pid pid, task::Context& context);
    void kill_all(const std::vector<std::shared_ptr<task::Context>>& contexts);
    Result<scheme::OpenResult> dup_process(const scheme::Caller& caller, Pid pid, std::string_view name);
    Result<std::shared_ptr<Thread>> make_thread(const scheme::Caller& caller, Pid pid);
    // A thread that belongs to no process yet.
    Result<std::shared_ptr<Thread>> new_thread();
    Result<Pid> fork(const scheme::Caller& caller, Pid parent);
    void forget(Pid pid);
    static std::optional<Pid> process_of(const Handle& handle);
    std::string list_processes();

    // Tells the tracer of the calling context of a child it has made.
    void announce(const scheme::Caller& caller, const Thread& child, Pid pid);

    // traced.cpp
    Result<scheme::OpenResult> open_traced(const scheme::Caller& caller, std::string_view path,
                                           std::uint64_t flags);
    Result<scheme::OpenedHandle> open_trace(const scheme::Caller& caller, Pid pid,
                                            const std::vector<std::shared_ptr<Thread>>& threads,
                                            std::uint64_t flags);

    // proc_calls.cpp
    Result<std::uint64_t> process_call(const scheme::Caller& caller, Pid pid, abi::ProcCall verb,
                                       const CallWords& words, const mem::UserInOut& payload);
    Result<std::uint64_t> wait(const scheme::Caller& caller, Pid pid, WaitTarget target, std::uint64_t flags,
                               const mem::UserInOut& payload);
    Result<std::uint64_t> exit(Pid pid, std::uint64_t word);
    Result<std::uint64_t> begin_program(const scheme::Caller& caller, Pid pid);
    Result<std::uint64_t> set_ids(Pid pid, const mem::UserInOut& payload);
    Result<std::uint64_t> rename(Pid pid, const mem::UserInOut& payload);
    Result<std::uint64_t> set_group(Pid pid, std::uint64_t target, std::uint64_t group);
    Result<std::uint64_t> query_group(Pid pid, std::uint64_t target);
    Result<std::uint64_t> session_of(Pid pid, std::uint64_t target);
    Result<std::uint64_t> make_session(Pid pid);
    Result<std::uint64_t> set_priority(Pid pid, std::uint64_t target, std::uint64_t priority);
    Result<std::uint64_t> priority_of(Pid target);

    // signals.cpp
    Result<std::uint64_t> thread_call(const scheme::Caller& caller, const ThreadHandle& handle,
                                      const CallWords& words);
    Result<std::uint64_t> sync_process_page(Pid pid);
    Result<std::uint64_t> sync_thread_page(const ThreadHandle& handle);
    Result<std::uint64_t> kill(const scheme::Caller& caller, Pid pid, std::uint64_t target,
                               std::uint64_t signal, std::optional<abi::RtSigInfo> info);
    Result<std::uint64_t> signal_thread(const scheme::Caller& caller, const ThreadHandle& handle,
                                        std::uint64_t signal);
    Result<std::uint64_t> dequeue_signal(Pid pid, const mem::UserInOut& payload);
    void carry_out(const SignalEffects& effects);

    task::Kernel& kernel_;
    const std::shared_ptr<proc::ProcScheme> contexts_;
    ProcessTable processes_;
    scheme::HandleMap<Handle> handles_;
};

}  // namespace halfcell::schemes::procmgr
