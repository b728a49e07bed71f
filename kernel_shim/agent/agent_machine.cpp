#include "kernel_shim/agent/agent_machine.h"

#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "kernel_shim/agent/agent_process.h"
#include "kernel_shim/agent/agent_thread.h"
#include "kernel_shim/agent/image.h"
#include "kernel_shim/agent/reaper.h"
#include "kernel_shim/agent/slot_file.h"
#include "kernel_shim/agent/spare_threads.h"
#include "kernel_shim/agent/spreader.h"
#include "kernel_shim/agent/thread_areas.h"
#include "kernel_shim/agent/zygote.h"
#include "kernel_shim/base/scope_exit.h"
#include "kernel_shim/host/cpu.h"
#include "kernel_shim/host/notify.h"
#include "kernel_shim/host/pidfd.h"
#include "kernel_shim/host/sys.h"

namespace halfcell::agent {

namespace {

constexpr std::uint32_t kMostProcesses = 1U << 16;
constexpr std::uint32_t kMostAreas = 1U << 18;
constexpr int kDescriptorRoom = 4096;
constexpr std::uint64_t kThreadFlags =
    CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;

// What all machines of one factory share. Machines and their threads keep it alive.
struct Common {
    StubImage image;
    std::shared_ptr<SlotFile> pages;
    std::shared_ptr<SlotFile> areas;
    std::unique_ptr<Reaper> reaper;
    std::shared_ptr<AgentProcess> zygote;
    std::shared_ptr<Spreader> spreader;
    std::uint64_t lowest_mappable = machine::kPageSize;
};

Command mmap_command(std::uint64_t address, std::uint64_t size, int protection, int flags, int file,
                     std::uint64_t offset) {
    Command command;
    command.operation = SYS_mmap;
    command.arguments = {address,
                         size,
                         static_cast<std::uint64_t>(protection),
                         static_cast<std::uint64_t>(flags),
                         static_cast<std::uint64_t>(file),
                         offset};
    return command;
}

Command munmap_command(std::uint64_t address, std::uint64_t size) {
    Command command;
    command.operation = SYS_munmap;
    command.arguments = {address, size};
    return command;
}

// The lowest address a guest may have, found by trying: it depends on vm.mmap_min_addr and on a capability
// that the zygote hands down to every process. One page where page 0 itself is allowed. ESRCH.
Result<std::uint64_t> find_lowest_mappable(AgentClient& zygote) {
    constexpr std::uint64_t kHighestSetting = std::uint64_t{1} << 30;
    for (std::uint64_t address = 0; address < kHighestSetting;
         address = address == 0 ? machine::kPageSize : 2 * address) {
        const Command map = mmap_command(address, machine::kPageSize, PROT_READ,
                                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        const Result<void> mapped = zygote.run({&map, 1});
        if (!mapped && mapped.error() == Errno::kESRCH) return fail(mapped.error());
        if (!mapped) continue;
        const Command unmap = munmap_command(address, machine::kPageSize);
        TRY(zygote.run({&unmap, 1}));
        return std::max(address, machine::kPageSize);
    }
    return kHighestSetting;
}

int host_protection(machine::Protection protection) {
    return PROT_READ | (protection.write ? PROT_WRITE : 0) | (protection.execute ? PROT_EXEC : 0);
}

class AgentMachine final : public machine::Machine {
  public:
    AgentMachine(std::shared_ptr<Common> common, std::shared_ptr<AgentProcess> process)
        : common_(std::move(common)),
          process_(std::move(process)),
          areas_(std::make_shared<ThreadAreas>(common_->areas)) {}

    // Returns when nothing of the process runs any more, so that the memory it saw may be reused.
    ~AgentMachine() override {
        process_->on_death({});
        process_->kill();
        process_->wait_for_death();
    }

    Result<void> map(machine::PageRange range, const machine::MemoryObject& object, std::uint64_t offset,
                     machine::Protection protection, machine::Populate populate) override {
        return change(range, command_for({.range = range,
                                          .object = &object,
                                          .offset = offset,
                                          .protection = protection,
                                          .populate = populate}));
    }

    Result<void> unmap(machine::PageRange range) override {
        return change(range, munmap_command(range.base, range.size));
    }

    Result<void> protect(machine::PageRange range, machine::Protection protection) override {
        Command command;
        command.operation = SYS_mprotect;
        command.arguments = {range.base, range.size, static_cast<std::uint64_t>(host_protection(protection))};
        return change(range, command);
    }

    machine::Progress map_all(std::span<const machine::Mapping> mappings) override {
        std::vector<Command> commands;
        commands.reserve(mappings.size());
        for (const machine::Mapping& mapping : mappings) {
            if (!allowed(mapping.range)) return {.done = 0, .error = Errno::kEINVAL};
            commands.push_back(command_for(mapping));
        }
        machine::Progress progress = process_->client().run_all(commands);
        if (progress.error == Errno::kEPERM) progress.error = Errno::kENOMEM;
        return progress;
    }

    Result<void> read(std::uint64_t address, std::span<std::byte> to) const override {
        return process_->read(address, to);
    }
    Result<void> write(std::uint64_t address, std::span<const std::byte> from) override {
        return process_->write(address, from);
    }

    Result<std::unique_ptr<machine::Machine>> fork() override {
        auto child = TRY(fork_process(*process_, common_->pages, *common_->reaper));
        return std::make_unique<AgentMachine>(common_, std::move(child));
    }

    Result<std::unique_ptr<machine::GuestThread>> start_thread(
        const machine::ThreadRegisters& registers) override {
        if (process_->client().is_dead()) return fail(Errno::kESRCH);
        if (auto spare = spares_->take()) {
            const auto prepared = spare->prepare(registers, host::current_cpu());
            if (prepared) return std::make_unique<AgentThread>(parts(std::move(spare->seat), spare->park));
            spares_->keep(std::move(*spare));
            return fail(prepared.error());
        }
        const ThreadAreas::Place place = TRY(areas_->take());
        ScopeExit give_back([&] { areas_->give(place.index, false); });
        const std::uint64_t frame = TRY(ThreadFrame::write_first(place.area, registers));
        auto newborn = TRY(process_->client().run_for_thread(birth_commands(place, frame)));
        // The thread exists. Should its listener be out of reach, it waits in the stub for the end of its
        // process, and keeps its area.
        give_back.commit();
        host::UniqueFd listener = TRY(std::move(newborn.listener));
        // The closure keeps the factory's parts, the reaper among them, as long as the thread lives.
        ThreadSeat seat{.thread = newborn.thread,
                        .listener = host::Listener(std::move(listener)),
                        .area = place.area,
                        .cpu = newborn.cpu,
                        .release_area = [common = common_, areas = areas_, index = place.index] {
                            areas->give(index, true);
                        }};
        return std::make_unique<AgentThread>(parts(std::move(seat), std::nullopt));
    }

    void on_death(std::function<void()> callback) override { process_->on_death(std::move(callback)); }
    void kill() override { process_->kill(); }

  private:
    // The caller has checked this for its own reasons; here it is what keeps a guest out of the stub.
    static bool allowed(machine::PageRange range) {
        return !range.empty() && machine::page_aligned(range.base) && machine::page_aligned(range.size) &&
               range.size <= machine::kHostUserEnd && range.base <= machine::kHostUserEnd - range.size &&
               !range.overlaps(machine::kReservedRange);
    }

    static Command command_for(const machine::Mapping& mapping) {
        if (mapping.object == nullptr) return munmap_command(mapping.range.base, mapping.range.size);
        const machine::Backing backing = mapping.object->backing();
        // What private pages may cost is the pool's business; Linux need not set memory aside for them.
        const int sharing =
            mapping.sharing == machine::Sharing::kPrivate ? MAP_PRIVATE | MAP_NORESERVE : MAP_SHARED;
        const int populate = mapping.populate == machine::Populate::kNow ? MAP_POPULATE : 0;
        return mmap_command(mapping.range.base, mapping.range.size, host_protection(mapping.protection),
                            sharing | MAP_FIXED | populate, backing.file, backing.offset + mapping.offset);
    }

    Result<void> change(machine::PageRange range, const Command& command) {
        if (!allowed(range)) return fail(Errno::kEINVAL);
        const Result<void> changed = process_->client().run({&command, 1});
        // Linux says EPERM below vm.mmap_min_addr; to a guest that is memory it cannot have.
        if (!changed && changed.error() == Errno::kEPERM) return fail(Errno::kENOMEM);
        return changed;
    }

    [[nodiscard]] std::vector<Command> birth_commands(const ThreadAreas::Place& place,
                                                      std::uint64_t frame) const {
        std::vector<Command> batch;
        if (!place.mapped)
            batch.push_back(mmap_command(place.area.base, kThreadAreaSize, PROT_READ | PROT_WRITE,
                                         MAP_SHARED | MAP_FIXED, areas_->file(), place.file_offset));
        // The last three arguments are a stack_t: base, flags, size.
        Command clone;
        clone.operation = HC_OPERATION_THREAD;
        clone.arguments = {kThreadFlags, frame, place.area.base, 0, kThreadAreaSize};
        batch.push_back(clone);
        return batch;
    }

    [[nodiscard]] AgentThread::Parts parts(ThreadSeat seat, std::optional<std::uint64_t> spare_park) {
        return {.process = process_,
                .reaper = common_->reaper.get(),
                .spares = spares_,
                .seat = std::move(seat),
                .spare_park = spare_park,
                .spreader = common_->spreader,
                .movable = !first_thread_.exchange(false)};
    }

    const std::shared_ptr<Common> common_;
    const std::shared_ptr<AgentProcess> process_;
    const std::shared_ptr<ThreadAreas> areas_;
    const std::shared_ptr<SpareThreads> spares_ = std::make_shared<SpareThreads>();
    // That one stays with whoever made the process: they usually talk to each other.
    std::atomic<bool> first_thread_{true};
};

class AgentMachineFactory final : public machine::MachineFactory {
  public:
    explicit AgentMachineFactory(std::shared_ptr<Common> common) : common_(std::move(common)) {}
    ~AgentMachineFactory() override {
        common_->zygote->kill();
        common_->zygote->wait_for_death();
    }

    Result<std::unique_ptr<machine::Machine>> create() override {
        auto process = fork_process(*common_->zygote, common_->pages, *common_->reaper);
        // A zygote that is gone cannot come back; for the caller the host has no process to give.
        if (!process) return fail(process.error() == Errno::kESRCH ? Errno::kEAGAIN : process.error());
        return std::make_unique<AgentMachine>(common_, std::move(*process));
    }

    [[nodiscard]] std::uint64_t lowest_mappable() const override { return common_->lowest_mappable; }

  private:
    const std::shared_ptr<Common> common_;
};

}  // namespace

Result<std::unique_ptr<machine::MachineFactory>> create_machine_factory() {
    TRY(host::occupy_standard_descriptors());
    host::raise_descriptor_limit();
    host::reserve_descriptor_table(kDescriptorRoom);
    host::set_receive_wakes_on_death(host::kernel_at_least(6, 11));
    auto common = std::make_shared<Common>();
    common->image = TRY(create_stub_image());
    common->pages = TRY(SlotFile::create("halfcell-command", HC_COMMAND_PAGE_SIZE, kMostProcesses));
    common->areas = TRY(SlotFile::create("halfcell-thread", kThreadAreaSize, kMostAreas));
    // Before the reaper: the fork wants a process without other threads.
    common->zygote = TRY(start_zygote(common->image, common->pages));
    ScopeExit reap_zygote([&] { host::kill_and_reap(common->zygote->id()); });
    common->reaper = TRY(Reaper::create());
    common->spreader = TRY(Spreader::create(host::allowed_cpus()));
    TRY(common->reaper->watch(common->zygote));
    reap_zygote.commit();
    // The first commands also prove that the zygote has come up; a dead one answers ESRCH.
    const auto lowest = find_lowest_mappable(common->zygote->client());
    if (lowest) common->lowest_mappable = *lowest;
    // From here on the factory's destructor buries the zygote.
    auto factory = std::make_unique<AgentMachineFactory>(std::move(common));
    if (!lowest) return fail(Errno::kEAGAIN);
    return factory;
}

}  // namespace halfcell::agent
