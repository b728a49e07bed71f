// links: halfcell_syscall halfcell_schemes_kernel halfcell_schemes_proc halfcell_memfs
// links: halfcell_schemes_null halfcell_schemes_zero halfcell_schemes_rand halfcell_test_support
//
// Random calls with random arguments on real kernel objects: tables, address spaces and in-process schemes,
// but no guest and no thread. A signal is always pending, so that no call sleeps. Some inputs are traced,
// too. Whatever is asked for: nothing may crash, every answer is a value or an errno, and at the end no
// memory is left.

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "abi/number.h"
#include "kernel_shim/base/check.h"
#include "kernel_shim/base/json.h"
#include "kernel_shim/syscall/call_table.h"
#include "kernel_shim/syscall/dispatch.h"
#include "kernel_shim/syscall/trace.h"
#include "schemes/file/file_scheme.h"
#include "schemes/kernel/install.h"
#include "schemes/kernel/proc/proc_scheme.h"
#include "schemes/memfs/mem_volume.h"
#include "schemes/null/null.h"
#include "schemes/rand/rand.h"
#include "schemes/zero/zero.h"
#include "tests/fuzz/input.h"
#include "tests/support/fake_machine.h"

namespace {

using namespace halfcell;
using fuzz::Input;
using syscall::ArgumentKind;

constexpr std::uint64_t kMemory = 0x100000;
constexpr std::uint64_t kMemorySize = 0x8000;
constexpr std::uint64_t kReadOnly = 0x200000;
// Texts are put here, for arguments that name something.
constexpr std::uint64_t kText = kMemory + 0x4000;
constexpr std::uint64_t kPoolLimit = std::uint64_t{32} << 20;
constexpr int kMostCalls = 200;

class NoConsole final : public schemes::ConsoleSink {
  public:
    void write(std::string_view, wait::Waiter*) override {}
};

class CheckingSink final : public syscall::TraceSink {
  public:
    explicit CheckingSink(syscall::TraceFormat format) : format_(format) {}
    void line(std::string_view text) override {
        HC_CHECK(!text.empty() && text.back() == '\n', "a line has an end");
        if (format_ == syscall::TraceFormat::kJson)
            HC_CHECK(parse_json(text).has_value(), "a JSON line can be parsed");
    }

  private:
    const syscall::TraceFormat format_;
};

constexpr std::string_view kTexts[] = {"",
                                       "a",
                                       "b",
                                       "d/e",
                                       "..",
                                       "../../x",
                                       "/",
                                       "//",
                                       "write",
                                       "zzz",
                                       "uname",
                                       "zeroed",
                                       "physical",
                                       "translation",
                                       "4",
                                       "4/getres",
                                       "1",
                                       "copy",
                                       "empty",
                                       "cur-context",
                                       "new-context",
                                       "filetable",
                                       "filetable-binary",
                                       "addrspace",
                                       "exclusive",
                                       "current-addrspace",
                                       "current-filetable",
                                       "start",
                                       "status",
                                       "regs/int",
                                       "regs/float",
                                       "regs/env",
                                       "attrs",
                                       "sighandler",
                                       "mmap-min-addr",
                                       "sched-affinity",
                                       "/scheme/file/a",
                                       "file:b",
                                       "rel",
                                       "\xff\xfe",
                                       "create-scheme",
                                       "no-preserve",
                                       "context",
                                       "iostat",
                                       "scheme"};

class World {
  public:
    World() {
        kernel_.emplace(pool_, machines_, dispatcher_);
        schemes::install_kernel_schemes(*kernel_, {.console = console_});
        kernel_->schemes.add(SchemeId{static_cast<std::uint32_t>(abi::GlobalSchemes::kProc)},
                             std::make_shared<schemes::proc::ProcScheme>(*kernel_));
        auto volume = std::make_shared<memfs::MemVolume>(memfs::MemVolumeOptions{.limit = 1 << 20});
        std::vector<file::Mount> mounts;
        mounts.push_back({.path = "", .volume = std::move(volume)});
        const SchemeId file =
            *kernel_->schemes.add(std::make_shared<file::FileScheme>("file", std::move(mounts), pool_));
        const SchemeId null = *kernel_->schemes.add(schemes::make_null_scheme());
        const SchemeId zero = *kernel_->schemes.add(schemes::make_zero_scheme());
        const SchemeId rand = *kernel_->schemes.add(schemes::make_rand_scheme());

        space_ = mem::AddressSpace::create(pool_, machines_);
        files_ = std::make_shared<fd::FdTable>();
        context_ = *kernel_->contexts.create(space_, files_);
        // Set before the context is asked for anything: no wait ever begins.
        context_->waiter().set_interruption_check([] { return true; });
        for (std::uint32_t id = 1; id <= 11; ++id)
            open_root(SchemeId{id});
        file_fd_ = files_->count();
        for (const SchemeId id : {file, null, zero, rand})
            open_root(id);
        map(kMemory, kMemorySize, true);
        map(kReadOnly, machine::kPageSize, false);
        // Something to work with from the start; calls find it among the first numbers.
        using abi::OpenFlags;
        constexpr std::uint64_t kNewFile = OpenFlags::kRdwr | OpenFlags::kCreat | 0644;
        for (int i = 0; i < 2; ++i)
            if (const auto pipe = open(abi::GlobalSchemes::kPipe, "", OpenFlags::kRdwr)) dup(*pipe, "write");
        open(abi::GlobalSchemes::kEvent, "", OpenFlags::kRdwr | OpenFlags::kNonblock);
        open(abi::GlobalSchemes::kMemory, "zeroed", OpenFlags::kRdwr);
        open(abi::GlobalSchemes::kTime, "4", OpenFlags::kRdwr);
        open_at(file_fd_, "d", OpenFlags::kCreat | OpenFlags::kDirectory | 0755);
        for (const std::string_view name : {"a", "b", "d/e"})
            open_at(file_fd_, name, kNewFile);
    }
    ~World() {
        context_->die(std::nullopt);
        kernel_->contexts.remove(context_->id());
        context_.reset();
        files_.reset();
        space_.reset();
        kernel_.reset();
        HC_CHECK(pool_.used() == 0, "memory was left behind");
    }
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    void trace(syscall::TraceFormat format) {
        tracer_ = std::make_unique<syscall::Tracer>(syscall::TraceFilter(), format,
                                                    std::make_unique<CheckingSink>(format));
        dispatcher_.show_to(tracer_.get());
    }
    void put(std::uint64_t address, std::string_view bytes) {
        (void)space_->write(address, std::as_bytes(std::span(bytes)));
    }
    std::uint64_t call(std::uint32_t number, const std::array<std::uint64_t, 6>& args) {
        return *dispatcher_.handle(*kernel_, *context_, {.number = number, .args = args});
    }

  private:
    // Both leave a descriptor at the lowest free number.
    std::optional<std::uint64_t> open_at(std::uint64_t base, std::string_view path, std::uint64_t flags) {
        put(kText, path);
        const std::uint64_t fd =
            call(static_cast<std::uint32_t>(abi::SYS_OPENAT), {base, kText, path.size(), flags});
        return abi::demux_errno(fd) == 0 ? std::optional(fd) : std::nullopt;
    }
    std::optional<std::uint64_t> open(abi::GlobalSchemes scheme, std::string_view path, std::uint64_t flags) {
        // The roots came first, in the order of their ids, and each of them exists.
        return open_at(static_cast<std::uint64_t>(scheme) - 1, path, flags);
    }
    void dup(std::uint64_t fd, std::string_view name) {
        put(kText, name);
        call(static_cast<std::uint32_t>(abi::SYS_DUP), {fd, kText, name.size()});
    }
    void open_root(SchemeId id) {
        if (auto root = kernel_->schemes.open_root(id)) (void)files_->add({std::move(*root), false});
    }
    void map(std::uint64_t address, std::uint64_t size, bool write) {
        (void)space_->map({.address = address,
                           .size = size,
                           .placement = mem::Placement::kFixed,
                           .protection = {.write = write}},
                          {});
    }

    test::FakePool pool_{kPoolLimit};
    test::FakeMachineFactory machines_;
    NoConsole console_;
    syscall::Dispatcher dispatcher_;
    std::unique_ptr<syscall::Tracer> tracer_;
    std::optional<task::Kernel> kernel_;
    std::shared_ptr<mem::AddressSpace> space_;
    std::shared_ptr<fd::FdTable> files_;
    std::shared_ptr<task::Context> context_;
    std::uint64_t file_fd_ = 0;
};

std::uint64_t any_fd(Input& input) {
    constexpr std::uint64_t kTag = abi::kUpperFdtblTag;
    constexpr std::uint64_t kOdd[] = {UINT64_MAX, kTag,   kTag | 65535, 65534,
                                      65535,      65536,  kTag | 65536, std::uint64_t{1} << 63,
                                      131071,     131072, 1000,         kTag | std::uint64_t{1} << 63};
    const std::uint8_t choice = input.byte();
    if (choice < 200) return choice % 30;
    if (choice < 230) return kTag | choice % 8;
    return input.one_of(kOdd);
}

std::uint64_t any_address(Input& input) {
    constexpr std::uint64_t kOdd[] = {0,
                                      1,
                                      kReadOnly,
                                      kReadOnly + 4090,
                                      kMemory + kMemorySize - 8,
                                      kMemory + kMemorySize - 1,
                                      0x7000000000,
                                      machine::kUserEnd,
                                      machine::kUserEnd - 1,
                                      machine::kUserEnd - 4096,
                                      machine::kReservedBase,
                                      UINT64_MAX,
                                      UINT64_MAX - 4095};
    const std::uint8_t choice = input.byte();
    if (choice < 128) return kMemory + choice * 16;
    if (choice < 180) return kMemory + (choice - 128) * std::uint64_t{512};
    if (choice < 210) return (choice - 180) * machine::kPageSize;
    if (choice < 250) return input.one_of(kOdd);
    return input.word();
}

std::uint64_t any_number(Input& input) {
    constexpr std::uint64_t kOdd[] = {
        0,    1,     8,     16,      19,      24,         32,        104,       4095,       4096,     4097,
        8192, 65535, 65536, 1 << 20, 1 << 26, UINT64_MAX, INT64_MAX, 1UL << 46, UINT32_MAX, 1UL << 62};
    const std::uint8_t choice = input.byte();
    if (choice < 100) return choice;
    if (choice < 245) return input.one_of(kOdd);
    return input.word();
}

std::uint64_t any_flags(Input& input, abi::NameList names) {
    const std::uint8_t choice = input.byte();
    if (choice >= 250 || names.count == 0) return input.word();
    std::uint64_t bits = 0;
    for (int i = 0; i < choice % 4; ++i)
        bits |= names.rows[input.byte() % names.count].value;
    return bits;
}

std::uint64_t any_argument(Input& input, const syscall::CallRow& row, const syscall::Argument& argument) {
    switch (argument.kind) {
        case ArgumentKind::kAbsent:
            return 0;
        case ArgumentKind::kFd:
            return any_fd(input);
        case ArgumentKind::kFlags:
            return any_flags(input, argument.names);
        case ArgumentKind::kOneOf:
            return input.chance(95) ? argument.names.rows[input.byte() % argument.names.count].value
                                    : any_number(input);
        case ArgumentKind::kOpenFlags:
            return any_flags(input, abi::names_of<abi::OpenFlags>());
        case ArgumentKind::kTransferFlags:
            return input.chance(50) ? UINT64_MAX : any_number(input);
        case ArgumentKind::kCallFlags:
            return any_flags(input, abi::names_of<abi::CallFlags>()) | input.byte() % 6;
        case ArgumentKind::kRemapFlags:
            return any_flags(input, abi::names_of<abi::MremapFlags>()) |
                   any_flags(input, abi::names_of<abi::MapFlags>());
        case ArgumentKind::kNumber:
        case ArgumentKind::kOffset:
        case ArgumentKind::kOctal:
        case ArgumentKind::kImplied:
        case ArgumentKind::kFcntlArgument:
            if (argument.name == std::string_view("header_size") && input.chance(80)) return 19;
            return any_number(input);
        default:
            if (row.topic != syscall::Topic::kMemory || input.chance(20)) return any_address(input);
            return machine::page_round_down(any_address(input));
    }
}

// Now and then a text is put into place and named by pointer and length.
void name_something(World& world, Input& input, const syscall::CallRow& row,
                    std::array<std::uint64_t, 6>& args) {
    for (std::size_t i = 0; i + 1 < args.size(); ++i) {
        const ArgumentKind kind = row.arguments[i].kind;
        if (kind != ArgumentKind::kPath && kind != ArgumentKind::kBytesIn) continue;
        if (!input.chance(70)) return;
        const std::string_view text = input.one_of(kTexts);
        world.put(kText, text);
        args[i] = kText;
        args[i + 1] = text.size();
    }
}

// Likewise what a call reads or writes as a structure or a list: a Map that may well be good, the words of a
// standard file system call, or descriptors.
void point_at_words(World& world, Input& input, const syscall::CallRow& row,
                    std::array<std::uint64_t, 6>& args) {
    std::uint64_t words[4] = {};
    const auto put = [&] { world.put(kText, {reinterpret_cast<const char*>(words), sizeof words}); };
    if (row.number == abi::SYS_FMAP) {
        words[1] = (input.byte() % 5) * machine::kPageSize;
        words[2] = any_flags(input, abi::names_of<abi::MapFlags>());
        words[3] = machine::page_round_down(any_address(input));
        put();
        args[1] = kText;
        args[2] = sizeof words;
        if (input.chance(50)) args[0] = UINT64_MAX;
    }
    if (row.number != abi::SYS_CALL) return;
    if (input.chance(50)) {
        using abi::CallFlags;
        for (std::uint64_t& word : words)
            word = any_fd(input);
        if (input.chance(25)) words[0] = UINT64_MAX;
        put();
        args[1] = kText;
        args[2] = (1 + input.byte() % 3) * sizeof words[0];
        args[3] |= CallFlags::kFd | (input.chance(50) ? CallFlags::kWrite : CallFlags::kRead);
    } else {
        words[0] = input.byte() % 16;
        words[1] = any_number(input);
        words[2] = input.chance(80) ? 19 : any_number(input);
        put();
        args[3] = (args[3] & ~std::uint64_t{0xff}) | abi::CallFlags::kStdFs | 3;
        args[4] = kText;
    }
}

// Random structures for everything else.
void put_words(World& world, Input& input) {
    std::uint64_t words[8];
    for (std::uint64_t& word : words) {
        const std::uint8_t kind = input.byte();
        word = kind < 80    ? any_fd(input)
               : kind < 160 ? any_number(input)
               : kind < 200 ? any_address(input)
                            : any_flags(input, abi::names_of<abi::MapFlags>());
    }
    const auto* const bytes = reinterpret_cast<const char*>(words);
    world.put(kMemory + (input.byte() % 128) * std::uint64_t{16}, {bytes, sizeof words});
}

std::uint64_t calls_made = 0;
void report_calls() {
    std::printf("%llu calls\n", static_cast<unsigned long long>(calls_made));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    [[maybe_unused]] static const int registered = std::atexit(report_calls);
    Input input(data, size);
    World world;
    const std::uint8_t mode = input.byte();
    if (mode % 4 == 1) world.trace(syscall::TraceFormat::kText);
    if (mode % 8 == 2) world.trace(syscall::TraceFormat::kJson);
    const auto rows = syscall::call_rows();
    for (int i = 0; i < kMostCalls && !input.empty(); ++i) {
        const std::uint8_t choice = input.byte();
        if (choice >= 250) {
            const auto number = static_cast<std::uint32_t>(input.word());
            world.call(number, {any_number(input), any_address(input), any_number(input)});
        } else {
            const syscall::CallRow& row = rows[choice % rows.size()];
            std::array<std::uint64_t, 6> args{};
            for (std::size_t argument = 0; argument < args.size(); ++argument)
                args[argument] = any_argument(input, row, row.arguments[argument]);
            if (input.chance(20)) put_words(world, input);
            name_something(world, input, row, args);
            if (input.chance(70)) point_at_words(world, input, row, args);
            world.call(row.number, args);
        }
        ++calls_made;
    }
    return 0;
}
