#pragma once

// A call of the host that may block, made by a worker on behalf of its guest: a read from a file on a
// network, say. A worker that sleeps on a Waiter is woken through it; one inside Linux is woken by a signal,
// from the interrupter.

#include <sys/types.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <functional>

namespace halfcell::wait {

class Waiter;

class HostCall {
  public:
    // What a signal to the guest does whose handler wants interrupted calls to be made again (SA_RESTART).
    enum class Restart : std::uint8_t {
        kHonoured,  // the call goes on: the program would only ask for it again
        kIgnored,   // it ends like at any other signal
    };

    // What a worker's thread knows of the guest it works for. Neither takes a lock beyond a waiter's.
    struct Guest {
        // Whether the guest thread still waits for the answer to its call. Asked by the interrupter too,
        // while a call of the host is in progress; allocates nothing.
        std::function<bool()> waits;
        // Whether signals wait for it, and the handlers of all have SA_RESTART.
        std::function<bool()> signals_restart;
    };
    // For the calling thread, from now on. Not inside a HostCall.
    static void set_guest(Guest guest);

    // On the worker's own stack, around the call. On a thread that works for no context it does nothing.
    explicit HostCall(Restart restart = Restart::kHonoured);
    HostCall(const HostCall&) = delete;
    HostCall& operator=(const HostCall&) = delete;
    // Returns when the interrupter has let go of it.
    ~HostCall();

    // Makes the call, which returns -1 and sets errno where it fails, until it is not interrupted for
    // nothing. EINTR then means that it must end: the context is killed, stopped or has a signal. One that
    // does not block comes to its end in spite of signals and stops. Blocks as the call does.
    template <typename Call>
    auto run(Call call) -> decltype(call()) {
        if (killed()) {
            errno = EINTR;
            return -1;
        }
        for (;;) {
            const auto result = call();
            if (result != -1 || errno != EINTR) return result;
            if (must_end()) {
                errno = EINTR;
                return -1;
            }
        }
    }

    // While one of these lives, the calls of this thread run to their end: what a dying context does last.
    class Unbroken {
      public:
        Unbroken();
        Unbroken(const Unbroken&) = delete;
        Unbroken& operator=(const Unbroken&) = delete;
        ~Unbroken();
    };

  private:
    friend class Interrupter;

    // Why it is to end; what is stronger stays.
    enum class Break : std::uint8_t { kNone, kSignal, kFinal };

    [[nodiscard]] bool killed() const;
    bool must_end() { return break_.load(std::memory_order_acquire) != Break::kNone && confirm_end(); }
    bool confirm_end();

    const Waiter* const waiter_;  // null where nobody may break the call
    const Guest* const guest_;
    const pid_t thread_;
    const Restart restart_;
    // Written under the interrupter's lock.
    std::atomic<Break> break_{Break::kNone};
    // The calls in progress are a list, guarded by the interrupter's lock.
    HostCall* next_ = nullptr;
    HostCall* previous_ = nullptr;
};

// One such call: HostCall().run(call).
template <typename Call>
auto host_call(Call call) {
    return HostCall().run(call);
}

}  // namespace halfcell::wait
