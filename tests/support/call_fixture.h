#pragma once

// A kernel on fakes with one context, and its calls without a guest: `call(SYS_READ, fd, address, size)`.

#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "abi/number.h"
#include "kernel_shim/syscall/dispatch.h"
#include "kernel_shim/task/kernel.h"
#include "tests/support/fake_machine.h"
#include "tests/support/fake_scheme.h"

namespace halfcell::test {

class CallFixture {
  public:
    // Writable memory of the context, and how much; nothing else is mapped.
    static constexpr std::uint64_t kMemory = 0x100000;
    static constexpr std::uint64_t kMemorySize = 0x20000;
    // Readable only.
    static constexpr std::uint64_t kReadOnly = 0x200000;
    static constexpr std::uint64_t kUnmapped = 0x7000000000;
    static constexpr std::uint64_t kEnd = machine::kUserEnd;

    CallFixture() {
        map(kMemory, kMemorySize, true);
        map(kReadOnly, machine::kPageSize, false);
        context->set_attributes({.pid = 7, .euid = 0, .egid = 0, .priority = 20, .name = "test"});
    }

    // What goes to rax.
    template <typename... Args>
    std::uint64_t raw(std::uint64_t number, Args... args) {
        return *dispatcher.handle(
            kernel, *context,
            {.number = static_cast<std::uint32_t>(number), .args = {static_cast<std::uint64_t>(args)...}});
    }
    // The same as a guest's C library reads it.
    template <typename... Args>
    Result<std::uint64_t> call(std::uint64_t number, Args... args) {
        const std::uint64_t value = raw(number, args...);
        if (const std::int32_t error = abi::demux_errno(value)) return fail(static_cast<Errno>(error));
        return value;
    }

    // Copies bytes to the context's memory at `offset` and returns their address.
    std::uint64_t put(std::string_view bytes, std::uint64_t offset = 0) {
        (void)space->write(kMemory + offset, std::as_bytes(std::span(bytes)));
        return kMemory + offset;
    }
    template <typename T>
    std::uint64_t put_value(const T& value, std::uint64_t offset = 0) {
        (void)space->write(kMemory + offset, std::as_bytes(std::span(&value, 1)));
        return kMemory + offset;
    }
    std::uint64_t put_words(std::vector<std::uint64_t> words, std::uint64_t offset = 0) {
        (void)space->write(kMemory + offset, std::as_bytes(std::span(words)));
        return kMemory + offset;
    }
    template <typename T>
    T value_at(std::uint64_t address) const {
        T value{};
        (void)space->read(address, std::as_writable_bytes(std::span(&value, 1)));
        return value;
    }
    std::string text_at(std::uint64_t address, std::uint64_t size) const {
        std::string text(size, '\0');
        (void)space->read(address, std::as_writable_bytes(std::span(text)));
        return text;
    }

    // Registers a scheme under the next id.
    template <typename SchemeType>
    SchemeId add(const std::shared_ptr<SchemeType>& scheme) {
        return *kernel.schemes.add(std::static_pointer_cast<scheme::Scheme>(scheme));
    }
    // A new descriptor for a handle of it.
    std::uint64_t open(const std::shared_ptr<scheme::Scheme>& scheme, std::uint64_t number,
                       bool positioned = false, std::uint32_t flags = 0) {
        return files
            ->add({scheme::DescriptionRef::create({.scheme = scheme,
                                                   .scheme_id = scheme->id(),
                                                   .number = HandleNumber{number},
                                                   .flags = flags,
                                                   .positioned = positioned}),
                   false})
            ->value();
    }
    scheme::FileDescription& description(std::uint64_t fd) const { return **files->find(FdNumber{fd}); }

    FakePool pool;
    FakeMachineFactory machines;
    syscall::Dispatcher dispatcher;
    task::Kernel kernel{pool, machines, dispatcher};
    std::shared_ptr<mem::AddressSpace> space = mem::AddressSpace::create(pool, machines);
    std::shared_ptr<fd::FdTable> files = std::make_shared<fd::FdTable>();
    std::shared_ptr<task::Context> context = *kernel.contexts.create(space, files);

  private:
    void map(std::uint64_t address, std::uint64_t size, bool write) {
        (void)space->map({.address = address,
                          .size = size,
                          .placement = mem::Placement::kFixed,
                          .protection = {.write = write}},
                         {});
    }
};

}  // namespace halfcell::test
