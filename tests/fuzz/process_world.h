#pragma once

// A kernel with two programs for proc_fuzz: their descriptors, and the guests that play what they start.

#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include "abi/number.h"
#include "kernel_shim/base/check.h"
#include "kernel_shim/syscall/dispatch.h"
#include "schemes/kernel/install.h"
#include "schemes/procmgr/procmgr_scheme.h"
#include "tests/support/fake_machine.h"
#include "tests/support/fake_thread.h"

namespace halfcell::fuzz {

inline constexpr std::uint64_t kMemory = 0x100000;
inline constexpr std::uint64_t kMemorySize = 0x8000;
inline constexpr std::uint64_t kName = kMemory + 0x4000;
inline constexpr std::uint64_t kWords = kMemory + 0x5000;
inline constexpr std::uint64_t kMetadata = kMemory + 0x6000;
inline constexpr std::uint64_t kPoolLimit = std::uint64_t{64} << 20;
inline constexpr std::uint64_t kContextLimit = 24;
inline constexpr std::uint64_t kAuthorityFd = abi::kUpperFdtblTag | 9;

// What is behind a descriptor, as far as the target remembers it. It is a guess: descriptors are closed and
// replaced in ways that are not followed.
enum class Kind : std::uint8_t {
    kOther,
    kProcess,
    kThread,
    kAuthority,
    kSpace,
    kTable,
    kRegisters,
    kSignals,
    kStart,
    kStatus,
    kChooseSpace,
    kChooseTable,
    kAttributes,
    kTrace
};

class NoConsole final : public schemes::ConsoleSink {
  public:
    void write(std::string_view, wait::Waiter*) override {}
};

// One of the two programs: the first thread of a process, whose calls are made by hand.
struct Program {
    std::shared_ptr<task::Context> context;
    std::shared_ptr<mem::AddressSpace> space;
    std::map<std::uint64_t, Kind> kinds;
};

class World {
  public:
    World() {
        machines_.prepare = [this](test::FakeMachine& machine) {
            machine.threads = [this](const machine::ThreadRegisters& registers) { return play(registers); };
        };
        kernel_.emplace(pool_, machines_, dispatcher_);
        kernel_->contexts.set_limit(kContextLimit);
        schemes::install_kernel_schemes(*kernel_, {.console = console_});
        contexts_ = std::make_shared<schemes::proc::ProcScheme>(*kernel_);
        kernel_->schemes.add(SchemeId{static_cast<std::uint32_t>(abi::GlobalSchemes::kProc)}, contexts_);
        processes_ = std::make_shared<schemes::procmgr::ProcmgrScheme>(*kernel_, contexts_);
        processes_id_ = *kernel_->schemes.add(processes_);
        for (std::size_t i = 0; i < programs_.size(); ++i)
            enter(i);
    }
    ~World() {
        for (const Program& program : programs_)
            end(*program.context);
        programs_ = {};
        for (const auto& context : kernel_->contexts.all())
            kernel_->workers.kill(context, true);
        kernel_->workers.wait_all();
        HC_CHECK(kernel_->contexts.all().empty(), "a context was left behind");
        contexts_.reset();
        processes_.reset();
        kernel_.reset();
        HC_CHECK(pool_.used() == 0, "memory was left behind");
    }
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    void put(std::size_t who, std::uint64_t address, std::span<const std::byte> bytes) {
        (void)programs_[who].space->write(address, bytes);
    }
    std::uint64_t call(std::size_t who, std::uint32_t number, const std::array<std::uint64_t, 6>& args) {
        // Who has been stopped makes no call, and has no worker that could let it go on: another takes its
        // place.
        if (programs_[who].context->state() == task::RunState::kStopped) {
            end(*programs_[who].context);
            enter(who);
        }
        const auto context = programs_[who].context;
        const std::uint64_t answer =
            *dispatcher_.handle(*kernel_, *context, {.number = number, .args = args});
        // A program that has ended is followed by another, until there are too many contexts.
        if (context->ending()) {
            end(*context);
            enter(who);
        }
        return answer;
    }
    // A descriptor that is open; of a kind, where there is one of it.
    std::uint64_t open_fd(std::size_t who, std::uint8_t choice) {
        const auto numbers = programs_[who].context->files()->numbers();
        return numbers.empty() ? 0 : numbers[choice % numbers.size()];
    }
    std::uint64_t fd_of(std::size_t who, Kind kind, std::uint8_t choice) {
        std::vector<std::uint64_t> fds;
        for (const std::uint64_t fd : programs_[who].context->files()->numbers())
            if (kind_of(who, fd) == kind) fds.push_back(fd);
        return fds.empty() ? open_fd(who, choice) : fds[choice % fds.size()];
    }
    Kind kind_of(std::size_t who, std::uint64_t fd) const {
        const auto found = programs_[who].kinds.find(fd);
        return found == programs_[who].kinds.end() ? Kind::kOther : found->second;
    }
    void remember(std::size_t who, std::uint64_t fd, Kind kind) { programs_[who].kinds[fd] = kind; }
    // What one of the guests that run does next.
    std::shared_ptr<test::ThreadScript> guest(std::uint8_t choice) {
        const std::lock_guard lock(scripts_mutex_);
        return scripts_.empty() ? nullptr : scripts_[choice % scripts_.size()];
    }

  private:
    // Ends a program as its worker would, if it had one.
    void end(task::Context& context) {
        (void)context.kill(true);
        if (context.state() != task::RunState::kDead) context.die(std::nullopt);
        kernel_->contexts.remove(context.id());
    }

    Result<std::unique_ptr<machine::GuestThread>> play(const machine::ThreadRegisters& registers) {
        const std::lock_guard lock(scripts_mutex_);
        scripts_.push_back(std::make_shared<test::ThreadScript>());
        return std::make_unique<test::FakeThread>(scripts_.back(), registers);
    }

    // A fresh program: 0 its process, 1 its thread, 2 the authority, 3 the process manager's root, 4 and 5 a
    // pipe, 6 an event queue, 7 the other half's authority once more.
    void enter(std::size_t who) {
        Program& program = programs_[who];
        program.space = mem::AddressSpace::create(pool_, machines_);
        program.kinds = {{0, Kind::kProcess}, {1, Kind::kThread}, {2, Kind::kAuthority}};
        auto files = std::make_shared<fd::FdTable>();
        kernel_->contexts.set_limit(UINT64_MAX);
        program.context = *kernel_->contexts.create(program.space, files);
        kernel_->contexts.set_limit(kContextLimit);
        program.context->waiter().set_interruption_check([] { return true; });
        auto initial =
            processes_->create_initial(program.context, {.euid = who == 0 ? 0U : 1000U, .name = "program"});
        (void)files->add({std::move(initial.proc_fd), false});
        (void)files->add({std::move(initial.thread_fd), false});
        const SchemeId contexts{static_cast<std::uint32_t>(abi::GlobalSchemes::kProc)};
        (void)files->add({*kernel_->schemes.open_root(contexts), false});
        (void)files->insert(FdNumber{kAuthorityFd}, {*kernel_->schemes.open_root(contexts), false});
        (void)files->add({*kernel_->schemes.open_root(processes_id_), false});
        (void)program.space->map({.address = kMemory,
                                  .size = kMemorySize,
                                  .placement = mem::Placement::kFixed,
                                  .protection = {.write = true}},
                                 {});
        for (const abi::GlobalSchemes scheme : {abi::GlobalSchemes::kPipe, abi::GlobalSchemes::kEvent}) {
            const auto root = FdNumber{abi::kUpperFdtblTag | static_cast<std::uint64_t>(scheme)};
            (void)files->insert(
                root, {*kernel_->schemes.open_root(SchemeId{static_cast<std::uint32_t>(scheme)}), false});
            constexpr std::uint64_t kFlags = abi::OpenFlags::kRdwr | abi::OpenFlags::kNonblock;
            const std::uint64_t fd = dispatch(program, abi::SYS_OPENAT, {root.value(), kName, 0, kFlags});
            if (scheme != abi::GlobalSchemes::kPipe) continue;
            (void)program.space->write(kName, std::as_bytes(std::span(std::string_view("write"))));
            dispatch(program, abi::SYS_DUP, {fd, kName, 5});
        }
    }
    std::uint64_t dispatch(const Program& program, std::uint32_t number,
                           const std::array<std::uint64_t, 6>& args) {
        return *dispatcher_.handle(*kernel_, *program.context, {.number = number, .args = args});
    }

    test::FakePool pool_{kPoolLimit};
    test::FakeMachineFactory machines_;
    NoConsole console_;
    syscall::Dispatcher dispatcher_;
    std::mutex scripts_mutex_;
    std::vector<std::shared_ptr<test::ThreadScript>> scripts_;
    std::optional<task::Kernel> kernel_;
    std::shared_ptr<schemes::proc::ProcScheme> contexts_;
    std::shared_ptr<schemes::procmgr::ProcmgrScheme> processes_;
    SchemeId processes_id_;
    std::array<Program, 2> programs_;
};

}  // namespace halfcell::fuzz
