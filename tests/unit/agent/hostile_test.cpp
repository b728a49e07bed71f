// Guests that attack the engine. Each attack stands beside the same act where it is allowed, so that the test
// would notice if the act itself had stopped working.

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <condition_variable>
#include <fstream>
#include <future>
#include <mutex>
#include <sstream>
#include <string>
#include <thread>

#include "kernel_shim/agent/image.h"
#include "kernel_shim/agent/protocol.h"
#include "kernel_shim/agent/reaper.h"
#include "kernel_shim/agent/thread_frame.h"
#include "kernel_shim/agent/zygote.h"
#include "kernel_shim/host/pidfd.h"
#include "tests/unit/agent/engine_fixture.h"

extern "C" {
extern const std::byte hc_stub_begin[], hc_stub_end[], hc_stub_after_exit[];
}

namespace halfcell::agent {

namespace {

using Cause = machine::ParkTrap::Cause;

// Kills the guest when a test takes too long: a thread that spins unseen must fail the test, not hang it.
class Watchdog {
  public:
    explicit Watchdog(machine::Machine& machine)
        : thread_([this, &machine] {
              std::unique_lock lock(mutex_);
              if (wake_.wait_for(lock, std::chrono::seconds(20), [this] { return done_; })) return;
              barked_ = true;
              machine.kill();
          }) {}
    ~Watchdog() {
        {
            std::lock_guard lock(mutex_);
            done_ = true;
        }
        wake_.notify_one();
        thread_.join();
        CHECK_FALSE(barked_);
    }

  private:
    std::mutex mutex_;
    std::condition_variable wake_;
    bool done_ = false;
    bool barked_ = false;
    std::thread thread_;
};

// A pipe of the supervisor that a guest would like to write to.
class Target {
  public:
    Target() { REQUIRE(pipe2(ends_.data(), O_NONBLOCK | O_CLOEXEC) == 0); }
    ~Target() {
        close(ends_[0]);
        close(ends_[1]);
    }
    [[nodiscard]] std::uint64_t number() const { return static_cast<std::uint64_t>(ends_[1]); }
    [[nodiscard]] bool was_hit() const {
        std::array<char, 64> bytes{};
        return read(ends_[0], bytes.data(), bytes.size()) > 0;
    }

  private:
    std::array<int, 2> ends_{};
};

pid_t newest_child() {
    std::ifstream file("/proc/self/task/" + std::to_string(getpid()) + "/children");
    pid_t last = 0;
    for (pid_t process = 0; file >> process;)
        last = process;
    return last;
}

// A frame as the host would build it, in the guest's data page, for a guest that restores it by itself.
std::uint64_t forge_frame(Guest& guest, std::uint64_t rip, std::uint64_t mask) {
    SignalContext context;
    context.flags = 6;
    context.cs = 0x33;
    context.ss = 0x2b;
    context.rip = rip;
    context.rflags = 0x202;
    context.stack_base = HC_THREAD_AREAS;
    context.stack_size = kThreadAreaSize;
    context.mask = mask;
    std::memcpy(guest.data() + 64, &context, sizeof context);
    return kGuestData + 512;
}

machine::ThreadRegisters jump_to(std::uint64_t address) {
    auto registers = start_at(guest_jump);
    registers.rbp = address;
    return registers;
}

}  // namespace

TEST_CASE("the agent may write to the supervisor's files: the act the next test forbids") {
    const Target target;
    auto image = create_stub_image();
    REQUIRE(image);
    auto pages = SlotFile::create("test", 4096, 1);
    REQUIRE(pages);
    auto agent = start_zygote(*image, std::move(*pages));
    REQUIRE(agent);
    Command write;
    write.operation = SYS_write;
    write.arguments = {target.number(), HC_STUB_CODE, 8};
    CHECK((*agent)->client().run({&write, 1}));
    CHECK(target.was_hit());
    // What the stub has no use for does not exist even for the agent.
    write.operation = SYS_getpid;
    CHECK((*agent)->client().run({&write, 1}).error() == Errno::kENOSYS);
    host::kill_and_reap((*agent)->id());
}

TEST_CASE("a guest that jumps anywhere into the stub gains nothing") {
    const Target target;
    const auto size = static_cast<std::uint64_t>(hc_stub_end - hc_stub_begin);
    std::uint64_t killed = 0;
    for (std::uint64_t offset = 0; offset <= size; ++offset) {
        Guest guest;
        const Watchdog watchdog(guest.machine());
        auto registers = jump_to(HC_STUB_CODE + offset);
        // What an agent about to write would have in its registers.
        registers.rax = SYS_write;
        registers.rdi = target.number();
        registers.rsi = kGuestData;
        registers.rdx = 8;
        registers.rbx = 1;
        registers.r12 = 1;
        registers.r13 = HC_COMMAND_PAGE + HC_COMMAND_BATCH;
        registers.r15 = HC_COMMAND_PAGE;
        registers.rsp = kGuestData + 0x1000;
        const auto thread = guest.start(registers);
        const auto trap = thread->next();
        if (is_gone(trap)) {
            ++killed;
        } else {
            CHECK(std::holds_alternative<machine::ParkTrap>(trap));
            thread->end();
        }
        if (target.was_hit())
            FAIL_CHECK("the guest wrote to a file of the supervisor through offset " << offset);
    }
    CHECK(killed > 0);
}

TEST_CASE("a guest cannot write to what the stub lives in") {
    Guest guest;
    const auto store_to = [&](std::uint64_t address) {
        auto registers = start_at(guest_store);
        registers.rdi = address;
        return guest.start(registers);
    };
    const auto allowed = store_to(kGuestData);
    expect_end(*allowed);
    for (const std::uint64_t address :
         {std::uint64_t{HC_STUB_CODE}, std::uint64_t{HC_STUB_TABLE}, std::uint64_t{HC_COMMAND_PAGE},
          std::uint64_t{HC_COMMAND_PAGE} + 0xff8}) {
        const auto thread = store_to(address);
        const auto fault = expect_park(*thread, Cause::kFault);
        CHECK(fault.error_code == 7);
        CHECK(fault.fault_address == address);
        thread->end();
    }
}

TEST_CASE("a guest that ends itself through the stub ends alone") {
    Guest guest;
    const auto sibling = guest.start(start_at(guest_end));
    expect_end(*sibling);
    // xor edi, edi; mov eax, 60; syscall: nine bytes before the address behind it.
    const auto exit_code = HC_STUB_CODE + static_cast<std::uint64_t>(hc_stub_after_exit - hc_stub_begin) - 9;
    const auto thread = guest.start(jump_to(exit_code));
    CHECK(is_gone(thread->next()));
    sibling->reply(0);
    expect_end(*sibling);
}

TEST_CASE("a park whose frame lies outside the thread's area kills the guest") {
    for (const std::uint64_t frame : {kGuestData, std::uint64_t{HC_THREAD_AREAS} + kThreadAreaSize - 256}) {
        Guest guest;
        const Watchdog watchdog(guest.machine());
        auto registers = jump_to(stub_addresses().handler);
        registers.rdi = SIGSEGV;
        registers.rdx = frame;
        const auto thread = guest.start(registers);
        CHECK(is_gone(thread->next()));
    }
    // Inside the area it is a fault report like any other, about the guest itself.
    Guest guest;
    auto registers = jump_to(stub_addresses().handler);
    registers.rdi = SIGSEGV;
    registers.rdx = HC_THREAD_AREAS + 0x1000;
    const auto thread = guest.start(registers);
    expect_park(*thread, Cause::kFault);
}

TEST_CASE("a guest that restores a frame of its own gets no more than its registers") {
    Guest guest;
    auto registers = jump_to(stub_addresses().restorer);
    registers.rsp = forge_frame(guest, guest_address(guest_end), 0);
    const auto thread = guest.start(registers);
    expect_end(*thread);
    thread->request_park();
    thread->reply(0);
    expect_park(*thread, Cause::kRequested);
}

TEST_CASE("a guest that blocks the park signal and runs on is killed") {
    Guest guest;
    const Watchdog watchdog(guest.machine());
    auto registers = jump_to(stub_addresses().restorer);
    registers.rsp = forge_frame(guest, guest_address(guest_call_then_spin), ~std::uint64_t{0});
    const auto thread = guest.start(registers);
    expect_call(*thread);  // the mask is in place
    thread->reply(0);
    thread->request_park();
    CHECK(is_gone(thread->next()));
}

TEST_CASE("a guest that blocks the park signal and makes calls is killed") {
    Guest guest;
    const Watchdog watchdog(guest.machine());
    auto registers = jump_to(stub_addresses().restorer);
    registers.rsp = forge_frame(guest, guest_address(guest_end), ~std::uint64_t{0});
    const auto thread = guest.start(registers);
    expect_end(*thread);  // the mask is in place
    SUBCASE("and waits in one") {
        std::promise<void> dead;
        guest.machine().on_death([&] { dead.set_value(); });
        thread->request_park();
        dead.get_future().wait();
        CHECK_FALSE(thread->still_waiting());
    }
    SUBCASE("and makes the next one") {
        thread->request_park();
        for (;;) {
            thread->reply(0);
            const auto trap = thread->next();
            if (is_gone(trap)) break;
            REQUIRE(std::holds_alternative<machine::CallTrap>(trap));
        }
    }
}

TEST_CASE("a thread that ends is not waited for where its guest blocks the park signal") {
    Guest guest;
    const Watchdog watchdog(guest.machine());
    auto registers = jump_to(stub_addresses().restorer);
    registers.rsp = forge_frame(guest, guest_address(guest_end), ~std::uint64_t{0});
    const auto thread = guest.start(registers);
    expect_end(*thread);
    thread->end();
    CHECK(is_gone(thread->next()));
}

TEST_CASE("a fault behind a blocked signal ends the guest, not the supervisor") {
    Guest guest;
    auto registers = jump_to(stub_addresses().restorer);
    registers.rsp = forge_frame(guest, guest_address(guest_undefined), ~std::uint64_t{0});
    const auto thread = guest.start(registers);
    CHECK(is_gone(thread->next()));
}

TEST_CASE("a guest that moves its alternate stack is killed at the next park") {
    Guest guest;
    const std::uint64_t frame = forge_frame(guest, guest_address(guest_undefined), 0);
    auto* const context = reinterpret_cast<SignalContext*>(guest.data() + 64);
    context->stack_base = kGuestData;
    context->stack_size = kGuestDataSize;
    auto registers = jump_to(stub_addresses().restorer);
    registers.rsp = frame;
    const auto thread = guest.start(registers);
    CHECK(is_gone(thread->next()));
}

TEST_CASE("a park signal from a stranger passes unseen") {
    Guest guest;
    const auto thread = guest.start(start_at(guest_end));
    expect_end(*thread);
    const pid_t process = newest_child();
    REQUIRE(kill(process, SIGUSR1) == 0);
    thread->reply(0);
    expect_end(*thread);
    thread->request_park();
    thread->reply(0);
    expect_park(*thread, Cause::kRequested);
}

TEST_CASE("a guest thread owns no descriptor, and its process no capability, core file or terminal signals") {
    Guest guest;
    const auto thread = guest.start(start_at(guest_end));
    expect_end(*thread);
    const pid_t process = newest_child();
    const std::string root = "/proc/" + std::to_string(process);
    std::string status;
    {
        std::ifstream file(root + "/status");
        std::stringstream text;
        text << file.rdbuf();
        status = text.str();
    }
    CHECK(status.find("Name:\thalfcell-guest\n") != std::string::npos);
    // None, or the one right to map low pages.
    CHECK((status.find("CapEff:\t0000000000000000\n") != std::string::npos ||
           status.find("CapEff:\t0000000000020000\n") != std::string::npos));
    CHECK(status.find("NoNewPrivs:\t1\n") != std::string::npos);
    CHECK(status.find("Seccomp:\t2\n") != std::string::npos);
    CHECK(status.find("Threads:\t2\n") != std::string::npos);
    CHECK(getpgid(process) != getpgid(0));
    std::string limits;
    {
        std::ifstream file(root + "/limits");
        std::stringstream text;
        text << file.rdbuf();
        limits = text.str();
    }
    CHECK(limits.find("Max core file size        0                    0 ") != std::string::npos);
    // Only what we mapped: stub, table, command page, thread area, code, data, and Linux's vsyscall page.
    std::ifstream maps(root + "/maps");
    std::size_t lines = 0;
    for (std::string line; std::getline(maps, line);)
        ++lines;
    CHECK(lines >= 6);
    CHECK(lines <= 7);
}

}  // namespace halfcell::agent
