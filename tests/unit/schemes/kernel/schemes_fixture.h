#pragma once

// A kernel with the kernel schemes and contexts that never run: what a worker would do is done by hand.

#include <doctest/doctest.h>

#include <string>
#include <thread>

#include "kernel_shim/scheme/opened.h"
#include "kernel_shim/task/kernel.h"
#include "schemes/kernel/install.h"
#include "tests/support/fake_machine.h"

namespace halfcell::test {

using namespace halfcell;

// Keeps what is printed; its keys, if any, are a host file.
class FakeConsole final : public schemes::ConsoleSink {
  public:
    void write(std::string_view bytes, wait::Waiter*) override { printed += bytes; }
    [[nodiscard]] std::shared_ptr<schemes::HostFile> input() const override { return keys; }
    std::string printed;
    std::shared_ptr<schemes::HostFile> keys;
};

class NoCalls final : public task::CallHandler {
  public:
    std::optional<std::uint64_t> handle(task::Kernel&, task::Context&, const machine::CallTrap&) override {
        return 0;
    }
};

// One guest thread, as schemes see it, with two pages of memory.
struct Guest {
    Guest(task::Kernel& kernel, FakePool& pool, FakeMachineFactory& machines)
        : context(*kernel.contexts.create(mem::AddressSpace::create(pool, machines),
                                          std::make_shared<fd::FdTable>())),
          caller(context->caller()) {
        mem::MapRequest request;
        request.size = 2 * machine::kPageSize;
        request.protection.write = true;
        buffer = *context->address_space()->map(request, {});
    }
    // Guest buffers; a wild one is nowhere mapped.
    [[nodiscard]] mem::UserIn in(std::uint64_t size) const { return in_at(buffer, size); }
    [[nodiscard]] mem::UserOut out(std::uint64_t size) const { return out_at(buffer, size); }
    [[nodiscard]] mem::UserIn in_at(std::uint64_t address, std::uint64_t size) const {
        return *mem::UserIn::create(*context->address_space(), address, size);
    }
    [[nodiscard]] mem::UserOut out_at(std::uint64_t address, std::uint64_t size) const {
        return *mem::UserOut::create(*context->address_space(), address, size);
    }
    // Sleeps on `reason`: spins until the wait has begun.
    void await_block() const {
        while (context->waiter().reason() == nullptr)
            std::this_thread::yield();
    }

    std::shared_ptr<task::Context> context;
    scheme::Caller caller;
    std::uint64_t buffer = 0;
};

constexpr std::uint64_t kWild = 0x7000000000;

struct SchemesFixture {
    SchemesFixture() { schemes::install_kernel_schemes(kernel, {.console = console, .log = log}); }

    [[nodiscard]] std::shared_ptr<scheme::Scheme> scheme(std::uint32_t id) const {
        return *kernel.schemes.find(SchemeId{id});
    }
    static scheme::Scheme& serving(const scheme::DescriptionRef& file) { return **file->scheme(); }
    // Opens `path` from a fresh root of a scheme.
    Result<scheme::DescriptionRef> open(std::uint32_t id, std::string_view path,
                                        std::uint64_t flags = abi::OpenFlags::kRdwr) {
        const scheme::DescriptionRef root = TRY(kernel.schemes.open_root(SchemeId{id}));
        return open_at(root, path, flags);
    }
    Result<scheme::DescriptionRef> open_at(const scheme::DescriptionRef& base, std::string_view path,
                                           std::uint64_t flags = abi::OpenFlags::kRdwr) {
        scheme::OpenResult opened = TRY(serving(base).openat(guest.caller, base->number(), path, flags, 0));
        return scheme::describe_opened(*base, std::move(opened), flags);
    }
    Result<scheme::DescriptionRef> dup(const scheme::DescriptionRef& base, std::string_view name) {
        scheme::OpenResult opened =
            TRY(serving(base).dup(guest.caller, base->number(), mem::UserIn::local(name)));
        return scheme::describe_opened(*base, std::move(opened), base->flags());
    }

    // Transfers as SYS_READ and SYS_WRITE make them.
    Result<std::uint64_t> read(const scheme::DescriptionRef& file, const mem::UserOut& to) {
        return read_as(guest, file, to);
    }
    Result<std::uint64_t> read_as(Guest& who, const scheme::DescriptionRef& file, const mem::UserOut& to) {
        const std::uint64_t offset = file->positioned() ? file->offset() : scheme::kNoOffset;
        const std::uint64_t count = TRY(
            serving(file).read_at(who.caller, file->number(), to, offset, {file->flags(), file->flags()}));
        file->advance(count);
        return count;
    }
    Result<std::uint64_t> write(const scheme::DescriptionRef& file, const mem::UserIn& from) {
        return write_as(guest, file, from);
    }
    Result<std::uint64_t> write_as(Guest& who, const scheme::DescriptionRef& file, const mem::UserIn& from) {
        const std::uint64_t offset = file->positioned() ? file->offset() : scheme::kNoOffset;
        return serving(file).write_at(who.caller, file->number(), from, offset,
                                      {file->flags(), file->flags()});
    }
    Result<std::uint64_t> write(const scheme::DescriptionRef& file, std::string_view text) {
        return write(file, mem::UserIn::local(text));
    }
    // What one read of up to `size` bytes gives.
    std::string read_text(const scheme::DescriptionRef& file, std::size_t size) {
        std::string text(size, '\0');
        const auto count = read(file, mem::UserOut::local(std::as_writable_bytes(std::span(text))));
        if (!count) return std::string("error ") + abi::errno_name(count.error());
        text.resize(*count);
        return text;
    }
    Result<std::uint64_t> fevent(const scheme::DescriptionRef& file, std::uint64_t flags) {
        return serving(file).fevent(guest.caller, file->number(), flags);
    }
    Result<std::string> fpath(const scheme::DescriptionRef& file, std::size_t size = 100) {
        std::string text(size, '\0');
        const auto to = mem::UserOut::local(std::as_writable_bytes(std::span(text)));
        text.resize(TRY(serving(file).fpath(guest.caller, file->number(), to)));
        return text;
    }
    Result<abi::Stat> fstat(const scheme::DescriptionRef& file) {
        abi::Stat stat;
        const auto to = mem::UserOut::local(std::as_writable_bytes(std::span(&stat, 1)));
        TRY(serving(file).fstat(guest.caller, file->number(), to));
        return stat;
    }
    static void set_nonblocking(const scheme::DescriptionRef& file, bool on) {
        constexpr auto kBit = static_cast<std::uint32_t>(abi::OpenFlags::kNonblock);
        file->set_flags(on ? file->flags() | kBit : file->flags() & ~kBit);
    }
    // The guest's next descriptor for a description.
    std::uint64_t add_file(const scheme::DescriptionRef& file) {
        return guest.context->files()->add({file, false})->value();
    }

    FakePool pool;
    FakeMachineFactory machines;
    NoCalls calls;
    FakeConsole console;
    std::shared_ptr<schemes::KernelLog> log = std::make_shared<schemes::KernelLog>();
    task::Kernel kernel{pool, machines, calls};
    Guest guest{kernel, pool, machines};
};

// The errno of a result, kept printable; "ok" where there is none.
template <typename T>
std::string error_of(const Result<T>& result) {
    return result ? "ok" : abi::errno_name(result.error());
}

}  // namespace halfcell::test
