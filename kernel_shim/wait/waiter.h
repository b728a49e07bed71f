#pragma once

// How a worker sleeps on behalf of its guest thread. Every context has one Waiter; whatever it waits for, the
// wait has a name, may have a deadline, and can be broken. Source: kernel:src/context/context.rs
// block/unblock.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "kernel_shim/base/guarded.h"
#include "kernel_shim/base/ids.h"
#include "kernel_shim/wait/sleep_word.h"

namespace halfcell::wait {

enum class Wake : unsigned char {
    kNotified,     // the thing waited for happened (or may have: check again)
    kTimedOut,     // the deadline passed
    kInterrupted,  // a signal, or ContextVerb::Interrupt or Unstop
    kHalted,       // a tracer wants the thread: the call comes to nothing (EINTR) and is made again later
    kKilled,       // the context must end now
};

// Told of the end of a wait that no thread sleeps in.
class LateWait {
  public:
    // Keeps it alive until broken() has run; null where it is about to go. Any thread, under a waiter's lock.
    virtual std::shared_ptr<LateWait> hold() = 0;
    // The wait prepared with `ticket` is broken: kInterrupted, kHalted, or kKilled (maybe after those). On
    // the thread that breaks it, without a lock; the wait may be over by then.
    virtual void broken(Wake how, std::uint64_t ticket) = 0;

  protected:
    ~LateWait() = default;
};

// On whom a wait depends: whoever holds this handle of this scheme can end it. Scheme 0, which none has: not
// known.
struct Wakers {
    SchemeId scheme;
    HandleNumber handle;
    [[nodiscard]] bool known() const { return scheme != SchemeId{}; }
    friend bool operator==(const Wakers&, const Wakers&) = default;
};

// A wait in progress, for reports.
struct Wait {
    const char* reason = nullptr;
    Wakers wakers;
    bool timed = false;  // it ends by itself
};

// What a snapshot of a waiter shows.
struct WaitView {
    Wait wait;                 // without a reason where its owner does not wait, or wakes up already
    std::uint64_t number = 0;  // of its owner's waits so far: two views with the same show the same wait
};

class Waiter {
  public:
    Waiter() = default;
    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;

    // Announces that the owner is about to sleep on `wait.reason` (a static string, shown by sys:block). From
    // now on notify() counts, also before sleep(). Call it before the wait is published on a queue. Owner
    // only.
    void prepare(const Wait& wait);
    // Ends the wait begun by prepare() at once, as interrupted, where a signal is pending, and as halted
    // where the owner is. After prepare(), so that a signal is seen either here or by the interrupt() that
    // its sender adds. Owner only.
    void end_if_signalled() {
        if (halted())
            halt();
        else if (interruption_pending())
            interrupt();
    }
    // Announces a wait that the owner does not sleep in: what would end its sleep is told to `late` instead,
    // which outlives this. It lasts until end_late(). Owner only.
    void prepare_late(const Wait& wait, LateWait& late, std::uint64_t ticket);
    // Breaks a late wait where a signal is pending, or the context killed: after prepare_late(), as
    // end_if_signalled(). Owner only; hold no lock.
    void break_if_due();
    // The wait of prepare_late() is over. Any thread, once.
    void end_late();
    // Sleeps until notified, interrupted, killed or past the deadline; ends the wait begun by prepare().
    // A kill that came earlier returns at once. Blocks. Owner only; no lock may be held.
    Wake sleep(Deadline deadline);
    // Waits for sleep() to have something to return, or for another process to wake `shared`, a futex, which
    // was to be `seen`. Ends nothing: watch on or sleep() afterwards, the wait is still prepared. Blocks.
    // Owner only; no lock may be held.
    Watched watch(const std::atomic<std::uint32_t>& shared, std::uint32_t seen) {
        return killed() ? Watched::kWoken : word_.sleep_or(shared, seen);
    }
    // Whether sleep() has something to return. Between prepare() and sleep(). Owner only.
    [[nodiscard]] bool over() const { return killed() || word_.woken(); }
    // Like sleep(), but also ends (as kNotified) when `host_file` becomes ready for `poll_events` (POLLIN…).
    Wake sleep_on_file(int host_file, short poll_events, Deadline deadline);

    // What was waited for may have happened. No effect unless a wait is prepared. Any thread.
    void notify();
    // Breaks the current wait; forgotten when there is none. Returns whether there was one. Any thread.
    bool interrupt();
    // Breaks the current wait and every later one. Any thread.
    void kill();
    [[nodiscard]] bool killed() const { return killed_.load(std::memory_order_acquire); }

    // Breaks the current wait, and every later one that asks whether it may begin, until unhalt(). Any
    // thread.
    void halt();
    void unhalt() { halted_.store(false, std::memory_order_release); }
    [[nodiscard]] bool halted() const { return halted_.load(std::memory_order_acquire); }
    // Whether a wait has been broken, or not begun, because the owner was halted. The owner, or who acts for
    // it.
    [[nodiscard]] bool take_broken() { return broken_.exchange(false); }

    // The owner has been stopped: from now on no sleep ends, but by a kill, before release(). What it waits
    // for stays there for others; it asks again when it goes on. Any thread.
    void hold();
    void release();
    // Between the two. Any thread; a snapshot.
    [[nodiscard]] bool held() const;

    // What the owner waits for now, or nullptr. Any thread; a snapshot.
    [[nodiscard]] const char* reason() const;
    // The same with on whom, and only while nothing has ended it. Any thread; a snapshot.
    [[nodiscard]] WaitView view() const;

    // Whether the owner has ever slept. Any thread.
    [[nodiscard]] bool has_slept() const { return has_slept_.load(std::memory_order_relaxed); }

    // The waiter of the context this thread works for; null where it works for none. For what must wait in
    // places nobody passes a caller to, such as the end of a mapping.
    [[nodiscard]] static Waiter* of_this_thread();
    // From now on of_this_thread() is this one, for as long as the thread lives; it must outlive what the
    // thread does.
    void adopt_this_thread();
    // While it lives, of_this_thread() is null: for work that is not its context's own.
    class Aside {
      public:
        Aside();
        ~Aside();
        Aside(const Aside&) = delete;
        Aside& operator=(const Aside&) = delete;

      private:
        Waiter* const own_;
    };

    // Asked by waits that must not start while a signal is pending or the owner is halted (EINTR before
    // sleeping). Set once by the context's owner before its worker runs; default: never. Owner only.
    void set_interruption_check(std::function<bool()> check) { interruption_pending_ = std::move(check); }
    [[nodiscard]] bool signal_pending() const { return interruption_pending_ && interruption_pending_(); }
    [[nodiscard]] bool interruption_pending() const {
        if (!halted()) return signal_pending();
        broken_ = true;
        return true;
    }

  private:
    struct State {
        Wait wait;
        std::optional<Wake> wake;
        int event_file = -1;       // eventfd of a sleep_on_file in progress
        LateWait* late = nullptr;  // of a prepare_late
        std::uint64_t ticket = 0;
    };
    [[nodiscard]] bool may_go_on() const { return killed() || !held_; }
    void end_wait(Wake how);

    mutable LevelMutex<LockLevel::kWaiter> mutex_;
    SleepWord word_;                        // woken when state_.wake is set
    std::condition_variable_any released_;  // for sleeps that are over while they are held
    // Guarded by mutex_.
    State state_;
    std::uint64_t waits_ = 0;
    bool held_ = false;
    std::atomic<bool> killed_{false};
    std::atomic<bool> halted_{false};
    std::atomic<bool> has_slept_{false};
    mutable std::atomic<bool> broken_{false};
    std::function<bool()> interruption_pending_;
};

}  // namespace halfcell::wait
