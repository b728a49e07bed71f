#pragma once

// A scheme under test, registered, with one caller who has two pages of guest memory.

#include <doctest/doctest.h>

#include <string>
#include <thread>

#include "abi/flags.h"
#include "kernel_shim/scheme/opened.h"
#include "kernel_shim/scheme/registry.h"
#include "tests/support/fake_machine.h"

namespace halfcell::test {

using namespace halfcell;

constexpr std::uint64_t kWild = 0x7000000000;

struct DeviceFixture {
    explicit DeviceFixture(std::shared_ptr<scheme::Scheme> the_scheme)
        : tested(*the_scheme), id(*registry.add(std::move(the_scheme))), root(*registry.open_root(id)) {
        mem::MapRequest request;
        request.size = 2 * machine::kPageSize;
        request.protection.write = true;
        buffer = *space->map(request, {});
    }

    Result<scheme::DescriptionRef> open(std::string_view path, std::uint64_t flags = abi::OpenFlags::kRdwr) {
        scheme::OpenResult opened = TRY(tested.openat(caller, root->number(), path, flags, 0));
        return scheme::describe_opened(*root, std::move(opened), flags);
    }
    Result<std::uint64_t> read(const scheme::DescriptionRef& file, const mem::UserOut& to) {
        return tested.read_at(caller, file->number(), to, scheme::kNoOffset, {file->flags(), file->flags()});
    }
    std::string read_text(const scheme::DescriptionRef& file, std::size_t size) {
        std::string text(size, '\0');
        const auto count = read(file, mem::UserOut::local(std::as_writable_bytes(std::span(text))));
        if (!count) return std::string("error ") + abi::errno_name(count.error());
        text.resize(*count);
        return text;
    }
    Result<std::uint64_t> write(const scheme::DescriptionRef& file, const mem::UserIn& from) {
        return tested.write_at(caller, file->number(), from, scheme::kNoOffset,
                               {file->flags(), file->flags()});
    }
    Result<std::uint64_t> write(const scheme::DescriptionRef& file, std::string_view text) {
        return write(file, mem::UserIn::local(text));
    }
    std::string path_of(const scheme::DescriptionRef& file) {
        std::string text(100, '\0');
        const auto to = mem::UserOut::local(std::as_writable_bytes(std::span(text)));
        const auto count = tested.fpath(caller, file->number(), to);
        if (!count) return std::string("error ") + abi::errno_name(count.error());
        text.resize(*count);
        return text;
    }
    Result<abi::Stat> fstat(const scheme::DescriptionRef& file) {
        abi::Stat stat;
        TRY(tested.fstat(caller, file->number(),
                         mem::UserOut::local(std::as_writable_bytes(std::span(&stat, 1)))));
        return stat;
    }
    [[nodiscard]] mem::UserOut out_at(std::uint64_t address, std::uint64_t size) const {
        return *mem::UserOut::create(*space, address, size);
    }
    [[nodiscard]] mem::UserIn in_at(std::uint64_t address, std::uint64_t size) const {
        return *mem::UserIn::create(*space, address, size);
    }
    static void set_nonblocking(const scheme::DescriptionRef& file, bool on) {
        constexpr auto kBit = static_cast<std::uint32_t>(abi::OpenFlags::kNonblock);
        file->set_flags(on ? file->flags() | kBit : file->flags() & ~kBit);
    }
    void await_block() const {
        while (waiter.reason() == nullptr)
            std::this_thread::yield();
    }

    FakePool pool;
    FakeMachineFactory machines;
    std::shared_ptr<mem::AddressSpace> space = mem::AddressSpace::create(pool, machines);
    std::uint64_t buffer = 0;
    wait::Waiter waiter;
    scheme::Caller caller{ContextId{1}, 1, 0, 0, waiter};
    scheme::EventRegistry events;
    scheme::SchemeRegistry registry{events};
    scheme::Scheme& tested;
    SchemeId id;
    scheme::DescriptionRef root;
};

template <typename T>
std::string error_of(const Result<T>& result) {
    return result ? "ok" : abi::errno_name(result.error());
}

}  // namespace halfcell::test
