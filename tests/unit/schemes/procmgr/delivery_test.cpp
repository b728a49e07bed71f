// When a thread jumps to its signal handler. spec/contexts-and-memory 8.2, 8.3.

#include <thread>

#include "tests/unit/schemes/procmgr/procmgr_fixture.h"

namespace halfcell::test {
namespace {

using abi::ProcCall;
using abi::Signal;

constexpr std::uint64_t kHandler = 0x4000;
constexpr std::uint32_t kCall = 1;

// A second process whose thread runs and has registered for signals; the calling one sends.
struct DeliveryFixture : ProcmgrFixture {
    DeliveryFixture() {
        target = dup(process, "fork");
        target_thread = dup(target, "thread-0");
        context = kernel.contexts.all().back();
        pages = static_cast<std::uint64_t>(
            *context->address_space()->map({.size = 0x2000, .protection = {.write = true}}, {}));
        REQUIRE(write_to(target_thread, "sighandler", {kHandler, 0, pages, pages + 0x1000}) == 32);
        REQUIRE(call(target, {static_cast<std::uint64_t>(ProcCall::kSyncSigPctl)}) == 0);
        REQUIRE(call(target_thread, {static_cast<std::uint64_t>(abi::ThreadCall::kSyncSigTctl)}) == 0);
        control = context->signals()->thread_control.structure<abi::Sigcontrol>();
        page = context->signals()->proc_control.structure<abi::SigProcControl>();
        control->word[0] = ~std::uint64_t{0} << 32;
        control->word[1] = ~std::uint64_t{0} << 32;
        machine::ThreadRegisters registers;
        registers.rip = 0x1234;
        registers.rsp = 0x8000;
        registers.rflags = 0x246;
        context->set_initial_registers(registers);
        REQUIRE(write_to(target_thread, "start", {}) == 0);
        target_pid = context->attributes().pid;
    }
    ~DeliveryFixture() {
        kernel.workers.kill(context, true);
        kernel.workers.wait_all();
    }
    void send(std::uint32_t signal) { CHECK(call(ProcCall::kKill, {target_pid, signal}) == 0); }
    void wait_for_rip(std::uint64_t rip) {
        while (script(0).registers().rip != rip)
            std::this_thread::yield();
    }
    [[nodiscard]] bool inhibited() const {
        return (__atomic_load_n(&control->control_flags.value, __ATOMIC_ACQUIRE) & 1) != 0;
    }

    std::int64_t target = -1;
    std::int64_t target_thread = -1;
    std::uint32_t target_pid = 0;
    std::uint64_t pages = 0;
    std::shared_ptr<task::Context> context;
    abi::Sigcontrol* control = nullptr;
    abi::SigProcControl* page = nullptr;
};

TEST_CASE_FIXTURE(DeliveryFixture, "a running thread jumps to its handler, and nothing else changes") {
    send(Signal::kUsr1);
    wait_for_rip(kHandler);
    CHECK(control->saved_ip.value == 0x1234);
    CHECK(control->saved_archdep_reg.value == 0x246);
    CHECK(inhibited());
    CHECK(script(0).registers().rsp == 0x8000);
    CHECK(script(0).registers().rflags == 0x246);
    CHECK(page->pending == abi::signal_bit(Signal::kUsr1));
}

TEST_CASE_FIXTURE(DeliveryFixture, "a signal that is not allowed waits without disturbing anybody") {
    control->word[0] &= ~(abi::signal_bit(Signal::kUsr1) << 32);
    send(Signal::kUsr1);
    CHECK(page->pending == abi::signal_bit(Signal::kUsr1));
    CHECK(script(0).parks() == 0);
    send(Signal::kUsr2);
    wait_for_rip(kHandler);
}

TEST_CASE_FIXTURE(DeliveryFixture,
                  "delivery that is inhibited is tried again, without a call of the program") {
    control->control_flags.value = 1;
    send(Signal::kUsr1);
    // At least twice the thread is looked at in vain.
    while (script(0).parks() < 2)
        std::this_thread::yield();
    CHECK(script(0).registers().rip == 0x1234);
    __atomic_store_n(&control->control_flags.value, 0, __ATOMIC_RELEASE);
    wait_for_rip(kHandler);
}

TEST_CASE_FIXTURE(DeliveryFixture, "a sleeping call ends with EINTR and the thread jumps behind it") {
    calls.bodies[kCall] = [](task::Context& sleeper) -> std::uint64_t {
        std::mutex mutex;
        std::unique_lock lock(mutex);
        wait::WaitQueue queue;
        const auto result = queue.wait(lock, sleeper.waiter(), "test");
        return result ? 0 : abi::mux_error(result.error());
    };
    script(0).call(kCall);
    while (context->waiter().reason() == nullptr)
        std::this_thread::yield();
    send(Signal::kUsr1);
    CHECK(script(0).answer() == abi::mux_error(Errno::kEINTR));
    wait_for_rip(kHandler);
    CHECK(control->saved_ip.value == 0x1236);
}

TEST_CASE_FIXTURE(DeliveryFixture, "a signal raised before a call sleeps is not lost") {
    // As if the sender came between the program's last look and its call.
    calls.bodies[kCall] = [this](task::Context& sleeper) -> std::uint64_t {
        page->pending = abi::signal_bit(Signal::kUsr1);
        sleeper.interrupt();
        std::mutex mutex;
        std::unique_lock lock(mutex);
        wait::WaitQueue queue;
        const auto result = queue.wait(lock, sleeper.waiter(), "test");
        return result ? 0 : abi::mux_error(result.error());
    };
    script(0).call(kCall);
    CHECK(script(0).answer() == abi::mux_error(Errno::kEINTR));
}

TEST_CASE_FIXTURE(DeliveryFixture, "a stopped thread takes its signal when it is continued") {
    send(Signal::kStop);
    while (script(0).parks() == 0)
        std::this_thread::yield();
    send(Signal::kUsr1);
    CHECK(script(0).registers().rip == 0x1234);
    send(Signal::kCont);
    wait_for_rip(kHandler);
    CHECK(page->pending == (abi::signal_bit(Signal::kUsr1) | abi::signal_bit(Signal::kCont)));
}

TEST_CASE_FIXTURE(DeliveryFixture, "what waits for a program is not lost when another one takes its place") {
    control->word[0] = 0;
    send(Signal::kUsr1);
    send(Signal::kHup);
    CHECK(page->pending == (abi::signal_bit(Signal::kUsr1) | abi::signal_bit(Signal::kHup)));
    REQUIRE(call(target_thread,
                 {static_cast<std::uint64_t>(abi::ThreadCall::kSignalThread), Signal::kUsr2}) == 0);
    // The new program registers pages of its own, and ignores one of the signals.
    const auto fresh = static_cast<std::uint64_t>(
        *context->address_space()->map({.size = 0x2000, .protection = {.write = true}}, {}));
    REQUIRE(write_to(target_thread, "sighandler", {kHandler, 0, fresh, fresh + 0x1000}) == 32);
    auto* const new_page = context->signals()->proc_control.structure<abi::SigProcControl>();
    auto* const new_control = context->signals()->thread_control.structure<abi::Sigcontrol>();
    new_page->actions[Signal::kHup - 1].first = abi::ActionBits::kIgnored;
    REQUIRE(call(target, {static_cast<std::uint64_t>(ProcCall::kSyncSigPctl)}) == 0);
    REQUIRE(call(target_thread, {static_cast<std::uint64_t>(abi::ThreadCall::kSyncSigTctl)}) == 0);
    CHECK(new_page->pending == abi::signal_bit(Signal::kUsr1));
    CHECK(new_page->sender_infos[Signal::kUsr1 - 1] == page->sender_infos[Signal::kUsr1 - 1]);
    CHECK(new_control->word[0] == abi::signal_bit(Signal::kUsr2));
    // Once more with the same pages changes nothing.
    REQUIRE(call(target, {static_cast<std::uint64_t>(ProcCall::kSyncSigPctl)}) == 0);
    CHECK(new_page->pending == abi::signal_bit(Signal::kUsr1));
}

TEST_CASE_FIXTURE(DeliveryFixture, "a signal to a process that is being forked waits for its page") {
    const std::int64_t child = dup(process, "fork");
    const std::int64_t child_thread = dup(child, "thread-0");
    const auto child_context = kernel.contexts.all().back();
    const std::uint32_t child_pid = child_context->attributes().pid;
    CHECK(call(ProcCall::kKill, {child_pid, Signal::kInt}) == 0);
    CHECK(call(ProcCall::kKill, {child_pid, Signal::kHup}) == 0);
    const auto fresh = static_cast<std::uint64_t>(
        *child_context->address_space()->map({.size = 0x2000, .protection = {.write = true}}, {}));
    REQUIRE(write_to(child_thread, "sighandler", {kHandler, 0, fresh, fresh + 0x1000}) == 32);
    auto* const child_page = child_context->signals()->proc_control.structure<abi::SigProcControl>();
    child_page->actions[Signal::kHup - 1].first = abi::ActionBits::kIgnored;
    REQUIRE(call(child, {static_cast<std::uint64_t>(ProcCall::kSyncSigPctl)}) == 0);
    CHECK(child_page->pending == abi::signal_bit(Signal::kInt));
    CHECK(abi::sender_info_from_raw(child_page->sender_infos[Signal::kInt - 1]).pid == pid);
}

TEST_CASE_FIXTURE(DeliveryFixture, "a thread without registration is left alone") {
    REQUIRE(write_to(target_thread, "sighandler", {0, 0, 0, 0}) == 32);
    page->pending = abi::signal_bit(Signal::kUsr1);
    CHECK(!context->signal_pending());
    context->signal_raised();
    while (script(0).parks() == 0)
        std::this_thread::yield();
    CHECK(script(0).registers().rip == 0x1234);
}

// acid's wcontinued_sigcont_catching: the parent continued its child as soon as it heard of the stop, before
// the stop had been carried out, and the child stayed stopped.
TEST_CASE_FIXTURE(ProcmgrFixture, "a stop holds before anybody hears of it") {
    namespace procmgr = schemes::procmgr;
    const auto context =
        *kernel.contexts.create(mem::AddressSpace::create(pool, factory), std::make_shared<fd::FdTable>());
    procmgr::Process child;
    child.pid = 2;
    child.threads.push_back(std::make_shared<procmgr::Thread>());
    child.threads.front()->context = context;
    procmgr::ProcessMap processes;
    processes.emplace(2, std::move(child));
    const auto send = [&](std::uint32_t signal) {
        procmgr::SignalEffects effects;
        CHECK(
            procmgr::SignalDelivery(processes, procmgr::Sender::init(), signal, effects).to(processes.at(2)));
        return effects;
    };
    CHECK(send(Signal::kStop).empty());
    CHECK(context->state() == task::RunState::kStopped);
    const auto effects = send(Signal::kCont);
    CHECK(context->state() == task::RunState::kRunnable);
    // It had never run: what is left to do is to start it.
    REQUIRE(effects.size() == 1);
    CHECK(effects[0].kind == procmgr::SignalEffect::Kind::kStart);
}

}  // namespace
}  // namespace halfcell::test
