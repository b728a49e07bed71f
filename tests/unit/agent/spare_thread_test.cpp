// Linux threads whose guest threads have ended serve the next ones, which see nothing of their forerunners.

#include <array>
#include <filesystem>
#include <iterator>
#include <string>
#include <vector>

#include "kernel_shim/agent/spare_threads.h"
#include "tests/unit/agent/engine_fixture.h"

namespace halfcell::agent {

namespace {

std::ptrdiff_t descriptors() {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
}

void run_to_its_end(Guest& guest) {
    const auto thread = guest.start(start_at(guest_end));
    expect_end(*thread);
    thread->end();
    CHECK(is_gone(thread->next()));
}

machine::ThreadRegisters with_stack(const std::byte* entry) {
    auto registers = start_at(entry);
    registers.rsp = kGuestData + kGuestDataSize / 2;
    return registers;
}

// Leaves a spare thread behind whose registers were all in use.
void leave_traces(Guest& guest) {
    const auto thread = guest.start(with_stack(guest_spin));
    thread->request_park();
    expect_park(*thread, machine::ParkTrap::Cause::kRequested);
    std::array<std::byte, 416> image{};
    REQUIRE(thread->read_float(image));
    image[0] = std::byte{0x7f};  // control word
    image[1] = std::byte{0x02};
    image[24] = std::byte{0xa0};                 // MXCSR: its sticky precision flag as well
    std::fill_n(&image[160], 16, std::byte{1});  // xmm0
    REQUIRE(thread->write_float(image));
    auto registers = registers_of(*thread);
    registers.r8 = registers.r15 = registers.rbx = registers.rdi = 0x1234;
    registers.rflags |= 1;
    registers.fs_base = registers.gs_base = kGuestData;
    REQUIRE(thread->set_registers(registers));
    SUBCASE("parked") {}
    SUBCASE("running") {
        thread->resume();
    }
    SUBCASE("in a call") {
        registers.rip = guest_address(guest_end);
        REQUIRE(thread->set_registers(registers));
        thread->resume();
        expect_end(*thread);
    }
    thread->end();
    REQUIRE(is_gone(thread->next()));
}

}  // namespace

TEST_CASE("a thread that follows another takes no new descriptor and sees none of its registers") {
    Guest fresh;
    const auto first = fresh.start(with_stack(guest_float));
    const auto untouched = expect_end(*first);

    Guest guest;
    leave_traces(guest);
    const auto before = descriptors();
    const auto thread = guest.start(with_stack(guest_float));
    CHECK(descriptors() == before);
    const auto seen = expect_end(*thread);
    for (std::size_t i = 0; i < 3; ++i)
        CHECK(seen.args[i] == untouched.args[i]);

    thread->end();
    const auto next = guest.start(with_stack(guest_spin));
    next->request_park();
    expect_park(*next, machine::ParkTrap::Cause::kRequested);
    const auto registers = registers_of(*next);
    CHECK(registers.r8 == 0);
    CHECK(registers.r15 == 0);
    CHECK(registers.rbx == 0);
    CHECK(registers.rsp == kGuestData + kGuestDataSize / 2);
    CHECK((registers.rflags & 1) == 0);
    CHECK(registers.fs_base == 0);
    CHECK(registers.gs_base == 0);
}

TEST_CASE("a process keeps a few spare threads and lets the others go") {
    Guest guest;
    const auto before = descriptors();
    std::vector<std::unique_ptr<machine::GuestThread>> threads;
    for (std::size_t i = 0; i < SpareThreads::kMost + 8; ++i)
        threads.push_back(guest.start(start_at(guest_end)));
    for (const auto& thread : threads)
        thread->end();
    threads.clear();
    CHECK(descriptors() - before == static_cast<std::ptrdiff_t>(SpareThreads::kMost));
    for (std::size_t i = 0; i < SpareThreads::kMost + 8; ++i) {
        threads.push_back(guest.start(start_at(guest_end)));
        expect_end(*threads.back());
    }
}

TEST_CASE("a start that is refused leaves the spare thread for the next") {
    Guest guest;
    run_to_its_end(guest);
    const auto before = descriptors();
    auto registers = start_at(guest_end);
    registers.fs_base = std::uint64_t{1} << 63;
    CHECK(guest.machine().start_thread(registers).error() == Errno::kEINVAL);
    run_to_its_end(guest);
    CHECK(descriptors() == before);
}

TEST_CASE("a thread takes no step before its worker waits for it (spare-runs-early)") {
    Guest guest;
    run_to_its_end(guest);
    const auto thread = guest.start(start_at(guest_spin));
    // Long enough for others to live their lives on this CPU.
    for (int i = 0; i < 4; ++i) {
        Guest other;
        run_to_its_end(other);
    }
    thread->request_park();
    expect_park(*thread, machine::ParkTrap::Cause::kRequested);
    const auto registers = registers_of(*thread);
    CHECK(registers.rip == guest_address(guest_spin));
    CHECK(registers.r12 == 0);
}

TEST_CASE("a thread that ends before it began has done nothing") {
    Guest guest;
    const auto end_unbegun = [&guest] {
        auto registers = with_stack(guest_store);
        registers.rdi = kGuestData;
        registers.rsi = 1;
        guest.start(registers)->end();
        CHECK(guest.data()[0] == 0);
    };
    SUBCASE("of a new Linux thread") {
        end_unbegun();
    }
    SUBCASE("of a spare one") {
        run_to_its_end(guest);
        end_unbegun();
    }
}

TEST_CASE("spare threads die with their process") {
    Guest guest;
    run_to_its_end(guest);
    guest.machine().kill();
    // The kill takes effect before the start or after it.
    const auto late = guest.machine().start_thread(start_at(guest_end));
    if (late)
        CHECK(is_gone((*late)->next()));
    else
        CHECK(late.error() == Errno::kESRCH);
}

TEST_CASE("a park asked of a thread that has ended does not reach the one that follows") {
    Guest guest;
    for (int i = 0; i < 200; ++i) {
        const auto thread = guest.start(start_at(guest_end));
        expect_end(*thread);
        thread->request_park();
        thread->reply(0);
        thread->end();
        thread->request_park();
        CHECK(is_gone(thread->next()));
    }
    const auto thread = guest.start(start_at(guest_end));
    expect_end(*thread);
}

TEST_CASE("a thread that faulted is not used again") {
    Guest guest;
    const auto before = descriptors();
    {
        const auto thread = guest.start(start_at(guest_undefined));
        expect_park(*thread, machine::ParkTrap::Cause::kFault);
        thread->end();
        CHECK(is_gone(thread->next()));
    }
    CHECK(descriptors() == before);
    run_to_its_end(guest);
    CHECK(descriptors() == before + 1);
}

}  // namespace halfcell::agent
