#pragma once

// A kernel whose contexts are traced by a session of the test's own; their guest threads are scripts.

#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <optional>
#include <thread>

#include "kernel_shim/task/kernel.h"
#include "kernel_shim/task/trace_session.h"
#include "tests/support/fake_machine.h"
#include "tests/support/fake_thread.h"

namespace halfcell::task {

inline constexpr std::uint32_t kPlainCall = 1;
inline constexpr std::uint32_t kSleepingCall = 2;
inline constexpr std::uint32_t kEndingCall = 3;

class TracedCalls : public CallHandler {
  public:
    std::optional<std::uint64_t> handle(Kernel&, Context& context, const machine::CallTrap& trap) override {
        ++made;
        last = trap;
        switch (trap.number) {
            case kSleepingCall:
                context.waiter().prepare({.reason = "test"});
                context.waiter().end_if_signalled();
                return context.waiter().sleep({}) == wait::Wake::kNotified ? 7
                                                                           : abi::mux_error(Errno::kEINTR);
            case kEndingCall:
                context.announce_exit(42 << 8);
                context.kill(true);
                return 0;
            default:
                return 1000 + trap.args[0];
        }
    }
    std::atomic<int> made{0};
    machine::CallTrap last;
};

struct TraceFixture {
    TraceFixture() {
        factory.prepare = [this](test::FakeMachine& machine) {
            machine.threads = [this](const machine::ThreadRegisters& registers)
                -> Result<std::unique_ptr<machine::GuestThread>> {
                script = std::make_shared<test::ThreadScript>();
                return std::make_unique<test::FakeThread>(script, registers);
            };
        };
    }
    ~TraceFixture() {
        session.reset();
        for (const auto& context : kernel.contexts.all())
            kernel.workers.kill(context, true);
        kernel.workers.wait_all();
    }

    std::shared_ptr<Context> create() {
        return *kernel.contexts.create(mem::AddressSpace::create(pool, factory),
                                       std::make_shared<fd::FdTable>());
    }
    void start(const std::shared_ptr<Context>& context) {
        REQUIRE(context->mark_started());
        REQUIRE(kernel.workers.start(context));
    }
    // A context that runs and is traced, stopped before its first instruction.
    std::shared_ptr<Context> traced() {
        auto context = create();
        REQUIRE(session->attach(context, true));
        start(context);
        CHECK(expect(StopKind::kAsked).stopped);
        return context;
    }
    TraceEvent expect(StopKind kind) { return expect_of(*session, kind); }
    TraceEvent expect_of(TraceSession& of, StopKind kind) {
        for (;;) {
            const auto waited = of.wait(waiter);
            auto event = of.take_event();
            if (!event && waited) {
                std::this_thread::yield();
                continue;
            }
            REQUIRE(event);
            CHECK(event->kind == kind);
            return *event;
        }
    }
    // Waits until it sleeps in a call.
    static void wait_asleep(Context& context) {
        while (context.waiter().reason() == nullptr)
            std::this_thread::yield();
    }

    test::FakePool pool;
    test::FakeMachineFactory factory;
    TracedCalls calls;
    Kernel kernel{pool, factory, calls};
    std::shared_ptr<test::ThreadScript> script;
    wait::Waiter waiter;
    std::shared_ptr<TraceSession> session = TraceSession::create({});
};

}  // namespace halfcell::task
